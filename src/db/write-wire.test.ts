import { expect, test } from "bun:test";
import fc from "fast-check";
import { StorageUnavailable, WriteConflict } from "../errors.ts";
import type { Outcome } from "./connection.ts";
import type { SqlValue } from "./transport.ts";
import { makeGroupReader, makeGroupWriter, readAnswer, writeAnswer } from "./write-wire.ts";

const value: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.string(),
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array(),
);
const text = fc.oneof(fc.constantFrom("select 1", "select 2"), fc.string());
const statement = fc.record({ sql: text, params: fc.array(value) });
const batch = fc.array(statement, { maxLength: 5 });

test("groups of batches arrive as they were sent, one after the other", () => {
  fc.assert(
    fc.property(fc.array(fc.array(batch, { maxLength: 4 }), { maxLength: 4 }), (groups) => {
      const toMessage = makeGroupWriter();
      const read = makeGroupReader();
      for (const group of groups) expect(read(structuredClone(toMessage(group)))).toEqual(group);
    }),
  );
});

test("a text is said once, until more than 500 others have been said since", () => {
  const toMessage = makeGroupWriter();
  const read = makeGroupReader();
  const say = (sql: string) => {
    const message = toMessage([[{ sql, params: [] }]]);
    expect(read(message)).toEqual([[{ sql, params: [] }]]);
    return message.includes(sql);
  };
  expect(say("first")).toBeTrue();
  expect(say("first")).toBeFalse();
  for (let n = 0; n < 499; n++) say(`select ${n}`);
  expect(say("first")).toBeFalse();
  say("one more");
  expect(say("first")).toBeTrue();
  expect(say("select 498")).toBeFalse();
});

test("of a statement that comes again in a group, values that are the same are said once", () => {
  const toMessage = makeGroupWriter();
  const read = makeGroupReader();
  const insert = (...params: SqlValue[]) => [{ sql: "insert into emails values (?, ?, ?)", params }];
  const group = [
    insert("first", "team", null),
    insert("second", "team", null),
    insert("third", "other", null),
  ];
  const message = toMessage(group);
  expect(read(structuredClone(message))).toEqual(group);
  expect(message.filter((value) => value === "team" || value === null)).toEqual(["team", null]);
  const next = [insert("fourth", "other", null)];
  expect(read(structuredClone(toMessage(next)))).toEqual(next);
});

test("statements of any number of values arrive as they were sent, however alike they are", () => {
  const few = fc.constantFrom<SqlValue>("a", "b", 0, -0, Number.NaN, null, 1n);
  const alike = fc
    .integer({ min: 0, max: 40 })
    .chain((length) => fc.array(fc.array(few, { minLength: length, maxLength: length }), { maxLength: 5 }));
  fc.assert(
    fc.property(fc.array(alike, { maxLength: 4 }), (batches) => {
      const group = batches.map((all) => all.map((params) => ({ sql: "select 1", params })));
      expect(makeGroupReader()(structuredClone(makeGroupWriter()(group)))).toEqual(group);
    }),
  );
});

test("bytes that are a part of more go alone", () => {
  const more = new Uint8Array(1_000_000);
  const [, , , bytes] = makeGroupWriter()([[{ sql: "", params: [more.subarray(5, 8)] }]]);
  expect((bytes as Uint8Array).buffer.byteLength).toBe(3);
});

const rows: fc.Arbitrary<SqlValue[][]> = fc
  .integer({ min: 1, max: 4 })
  .chain((columns) =>
    fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { maxLength: 4 }),
  );
const result = fc.record({ rows, changes: fc.nat() });
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ results: fc.array(result, { maxLength: 4 }) }),
  fc.record({ fault: fc.constantFrom(new WriteConflict("unique", "boxes.id"), new Error("no such table")) }),
);

test("outcomes arrive as they were", () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 5 }), (outcomes) => {
      expect(readAnswer(structuredClone(writeAnswer(outcomes)))).toEqual(outcomes);
    }),
  );
});

test("a refusal keeps its class and says why", () => {
  const full = new StorageUnavailable("now", { cause: new Error("database or disk is full") });
  const faults = [new WriteConflict("stale", "stale"), full, new TypeError("odd"), "thrown"];
  const told = readAnswer(structuredClone(writeAnswer(faults.map((fault) => ({ fault })))));
  expect(told).toEqual([
    { fault: new WriteConflict("stale", "stale") },
    { fault: expect.any(StorageUnavailable) },
    { fault: new Error("odd") },
    { fault: new Error("thrown") },
  ]);
  expect(told[1]).toMatchObject({ fault: { cause: { message: "database or disk is full" } } });
});
