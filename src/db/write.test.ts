import { expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { eachTransport } from "../../test/support/transports.ts";
import { openDb } from "./open.ts";
import { preparedWrite, rawWrite, toStatement } from "./write.ts";

const boxes = sqliteTable("boxes", {
  id: text("id").primaryKey(),
  tags: text("tags", { mode: "json" }).$type<string[]>(),
  packedAt: integer("packed_at", { mode: "timestamp_ms" }),
  isOpen: integer("is_open", { mode: "boolean" }),
  size: integer("size").notNull(),
});
const createBoxes = rawWrite(
  "create table boxes (id text primary key, tags text, packed_at integer, is_open integer, size integer not null)",
);

const addBox = preparedWrite<typeof boxes.$inferSelect>((db) =>
  db.insert(boxes).values({
    id: sql.placeholder("id"),
    tags: sql.placeholder("tags"),
    packedAt: sql.placeholder("packedAt"),
    isOpen: sql.placeholder("isOpen"),
    size: sql.placeholder("size"),
  }),
);
const grow = preparedWrite<{ id: string; by: number }>((db) =>
  db
    .update(boxes)
    .set({ size: sql`${boxes.size} + ${sql.placeholder("by")}`, isOpen: true })
    .where(eq(boxes.id, sql.placeholder("id"))),
);

const full = { id: "a", tags: ["x", 'y"z'], packedAt: new Date(1767225600123), isOpen: false, size: 3 };
const empty = { id: "b", tags: null, packedAt: null, isOpen: null, size: 0 };

eachTransport((_name, open) => {
  test("a prepared write stores dates, JSON, booleans and nulls as Drizzle reads them", async () => {
    const transport = await open({ empty: true });
    const db = openDb(transport);
    await transport.batch([createBoxes, addBox(full), addBox(empty)].map(toStatement));
    expect(await db.select().from(boxes).orderBy(boxes.id)).toEqual([full, empty]);
    const { rows } = await transport.query("select tags is null from boxes order by id", [], "values");
    expect(rows).toEqual([[0], [1]]); // not the JSON text "null"

    await transport.batch([toStatement(grow({ id: "a", by: 4 }))]);
    expect(await db.select().from(boxes).where(eq(boxes.id, "a")).get()).toEqual({
      ...full,
      isOpen: true,
      size: 7,
    });
  });
});

test("a prepared write is the statement Drizzle would build, with the values of each call", () => {
  const db = openDb({ query: async () => ({ rows: [] }), batch: async () => [], close: async () => {} });
  expect(toStatement(addBox(full))).toEqual(toStatement(db.insert(boxes).values(full)));
  const [one, two] = [addBox(full), addBox({ ...full, id: "c" })];
  expect([toStatement(one).params[0], toStatement(two).params[0]]).toEqual(["a", "c"]);
});

test("a prepared write without one of its values is a fault when it is made, not when it is run", () => {
  const { size: _, ...rest } = full;
  expect(() => addBox(rest as typeof full)).toThrow("no value for size");
});
