import { expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { blob, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { closedAfterwards, eachTransport } from "../../test/support/transports.ts";
import { WriteConflict } from "../errors.ts";
import { openDb } from "./open.ts";
import type { SqlValue, Statement, Transport } from "./transport.ts";
import { expectChange, toStatement } from "./write.ts";

const boxes = sqliteTable("boxes", {
  id: integer("id").primaryKey(),
  label: text("label"),
  packedAt: integer("packed_at", { mode: "timestamp_ms" }),
  isOpen: integer("is_open", { mode: "boolean" }),
  content: blob("content", { mode: "buffer" }),
});

const tables = [
  "create table boxes (id integer primary key, label text unique, packed_at integer, is_open integer, content blob)",
  "create table items (box integer not null references boxes (id) on delete cascade, count integer check (count > 0))",
];

const write = (text: string, ...params: SqlValue[]): Statement => ({ sql: text, params });
const addBox = (id: number, label: string) => write("insert into boxes (id, label) values (?, ?)", id, label);
const mustChange = toStatement(expectChange());

async function count(transport: Transport, table = "boxes"): Promise<unknown> {
  const { rows } = await transport.query(`select count(*) from ${table}`, [], "get");
  return rows[0];
}

async function conflictOf(writing: Promise<unknown>): Promise<unknown[]> {
  const error = await writing.then(
    () => undefined,
    (refused: unknown) => refused,
  );
  if (!(error instanceof WriteConflict))
    throw new Error("the write was not refused as a conflict", { cause: error });
  return [error.kind, error.subject];
}

eachTransport(
  (_name, open) => {
    async function openBoxes() {
      const transport = await open();
      await transport.batch(tables.map((table) => write(table)));
      return transport;
    }

    test("a batch is applied as a whole or not at all", async () => {
      const transport = await openBoxes();
      const refused = transport.batch([addBox(1, "a"), addBox(2, "b"), addBox(3, "a"), addBox(4, "d")]);
      expect(await conflictOf(refused)).toEqual(["unique", "boxes.label"]);
      expect(await count(transport)).toBe(0);
      await transport.batch([addBox(1, "a"), addBox(2, "b")]);
      expect(await count(transport)).toBe(2);
    });

    test("a refused batch costs the batches beside it nothing", async () => {
      const transport = await openBoxes();
      const outcomes = await Promise.allSettled([
        transport.batch([addBox(1, "a")]),
        transport.batch([addBox(2, "b"), addBox(1, "again")]),
        transport.batch([addBox(3, "c")]),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      const { rows } = await transport.query("select id from boxes order by id", [], "values");
      expect(rows).toEqual([[1], [3]]);
    });

    test("expectChange lets a batch pass that hit and refuses one that did not", async () => {
      const transport = await openBoxes();
      const rename = (from: string, to: string) => [
        write("update boxes set label = ? where label = ?", to, from),
        mustChange,
        write("insert into items (box, count) values (1, 1)"),
      ];
      await transport.batch([addBox(1, "a")]);
      await transport.batch(rename("a", "b"));
      expect(await conflictOf(transport.batch(rename("a", "c")))).toEqual(["stale", "stale"]);
      expect(await count(transport, "items")).toBe(1);
    });

    test("expectChange speaks of the statement before it, though an earlier one changed rows", async () => {
      const transport = await openBoxes();
      const missed = [addBox(1, "a"), write("update boxes set label = 'x' where id = 9"), mustChange];
      expect(await conflictOf(transport.batch(missed))).toEqual(["stale", "stale"]);
      expect(await count(transport)).toBe(0);
    });

    test("each constraint is a conflict of its kind that names its subject", async () => {
      const transport = await openBoxes();
      await transport.batch([addBox(1, "a")]);
      const refusals = [
        addBox(1, "b"),
        addBox(2, "a"),
        write("insert into items (box, count) values (9, 1)"),
        write("insert into items (box, count) values (1, 0)"),
        write("insert into items (box, count) values (null, 1)"),
      ];
      const expected = [
        ["unique", "boxes.id"],
        ["unique", "boxes.label"],
        ["foreign_key", "foreign_key"],
        ["check", "count > 0"],
        ["not_null", "items.box"],
      ];
      for (const [at, refusal] of refusals.entries()) {
        expect(await conflictOf(transport.batch([refusal]))).toEqual(expected[at]!);
        expect(await conflictOf(transport.query(refusal.sql, refusal.params, "run"))).toEqual(expected[at]!);
      }
    });

    test("deleting a row deletes what refers to it", async () => {
      const transport = await openBoxes();
      await transport.batch([addBox(1, "a"), write("insert into items (box, count) values (1, 1)")]);
      await transport.batch([write("delete from boxes")]);
      expect(await count(transport, "items")).toBe(0);
    });

    test("a mistake in SQL is a fault and no conflict", async () => {
      const transport = await openBoxes();
      const error = await transport.batch([write("insert into nowhere values (1)")]).catch((fault) => fault);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(WriteConflict);
      expect(error.message).toContain("no such table: nowhere");
    });

    test("values come back as they went in", async () => {
      const transport = await openBoxes();
      const bytes = new Uint8Array([0, 255, 10, 13, 0]);
      const values = [
        "",
        "Grüße, 世界 🙂",
        "nul\0inside",
        0,
        -1,
        1767225600123,
        2 ** 53 - 1,
        1.5,
        null,
        bytes,
      ];
      for (const value of values) {
        const { rows } = await transport.query("select ?", [value], "get");
        expect(rows[0]).toEqual(value);
      }
      const { rows } = await transport.query("select ?, ?, ?, ?", [true, false, 7n, new Uint8Array()], "get");
      expect(rows).toEqual([1, 0, 7, new Uint8Array()]);
    });

    test("a whole number is an integer to SQLite and half a surrogate pair U+FFFD", async () => {
      const transport = await openBoxes();
      const read = await transport.query("select typeof(?), 7 / ?, ? || ''", [5, 2, 5], "get");
      expect(read.rows).toEqual(["integer", 3, "5"]);
      const text = await transport.query("select ?", ["a\ud800"], "get");
      expect(text.rows).toEqual(["a\ufffd"]);
    });

    test("Drizzle reads dates, booleans, bytes and nulls, and an absent row as undefined", async () => {
      const transport = await openBoxes();
      const db = openDb(transport);
      const box = { id: 1, label: null, packedAt: new Date(1767225600123), isOpen: true };
      await transport.batch([toStatement(db.insert(boxes).values({ ...box, content: Buffer.from([1, 0]) }))]);
      const found = await db.select().from(boxes).where(eq(boxes.id, 1)).get();
      expect(found).toMatchObject(box);
      expect(Buffer.from(found!.content!)).toEqual(Buffer.from([1, 0]));
      expect(await db.select().from(boxes).where(eq(boxes.id, 2)).get()).toBeUndefined();
      expect(await db.select().from(boxes).where(eq(boxes.id, 2)).all()).toEqual([]);
    });

    test("columns of one name in a join keep their places", async () => {
      const transport = await openBoxes();
      const { rows } = await transport.query("select 1 as id, 2 as id, 3 as other", [], "values");
      expect(rows).toEqual([[1, 2, 3]]);
    });

    test("a write through query() is on disk when it returns, and in its order among batches", async () => {
      const transport = await openBoxes();
      const [, returned] = await Promise.all([
        transport.batch([addBox(1, "a")]),
        transport.query("insert into boxes (id, label) values (2, 'b') returning id, label", [], "get"),
      ]);
      expect(returned.rows).toEqual([2, "b"]);
      expect(await count(transport.another())).toBe(2);
    });

    test("a read sees every write awaited before it, from this transport or another", async () => {
      const transport = await openBoxes();
      const other = transport.another();
      for (let id = 1; id <= 5; id++) {
        await transport.batch([addBox(id, `box ${id}`)]);
        expect(await count(transport)).toBe(id);
        expect(await count(other)).toBe(id);
      }
    });

    test("a batch answers each statement with its rows and how many it changed", async () => {
      const transport = await openBoxes();
      const results = await transport.batch([
        write("insert into boxes (id, label) values (1, 'a'), (2, 'b'), (3, 'c')"),
        write("update boxes set is_open = 1 where id > 1 returning id"),
        write("update boxes set is_open = 0 where id = 9"),
        write("insert into boxes (id, label) values (1, 'x') on conflict do nothing"),
        write("select label from boxes where id < 3 order by id"),
        write("delete from boxes where id = 3"),
      ]);
      expect(results.map(({ changes }) => changes)).toEqual([3, 2, 0, 0, 2, 1]);
      expect(results[1]!.rows).toEqual([[2], [3]]);
      expect(results[4]!.rows).toEqual([["a"], ["b"]]);
      expect(await transport.batch([])).toEqual([]);
    });

    test("a read that fails throws the transport's own error, without the values it was given", async () => {
      const transport = await openBoxes();
      const db = openDb(transport);
      await transport.batch([write("drop table items"), write("drop table boxes")]);
      const failing = () => db.select().from(boxes).where(eq(boxes.label, "ada@example.com"));
      for (const reading of [failing().all(), failing().get(), failing().values()]) {
        const error = await reading.catch((fault) => fault);
        expect(error.message).toContain("no such table: boxes");
        expect(error.message).not.toContain("ada@example.com");
      }
      expect(await db.get(sql`select 1`)).toEqual([1]);
    });

    test("closing waits for the batches under way; afterwards everything is refused", async () => {
      const transport = await openBoxes();
      const second = closedAfterwards(transport.another());
      const writing = second.batch([addBox(1, "a")]);
      await second.close();
      await writing;
      await second.close();
      expect(await count(transport)).toBe(1);
      await expect(second.batch([addBox(2, "b")])).rejects.toThrow("the database is closed");
      await expect(second.query("select 1", [], "all")).rejects.toThrow("the database is closed");
    });
  },
  { withThread: true },
);
