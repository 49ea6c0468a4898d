import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closedAfterwards, temporaryFolder } from "../../test/support/transports.ts";
import { StorageUnavailable } from "../errors.ts";
import { openEmbedded } from "./embedded.ts";
import type { SqlValue, Statement } from "./transport.ts";

const write = (sql: string, ...params: SqlValue[]): Statement => ({ sql, params });
const addNote = (id: number, text = "note") => write("insert into notes values (?, ?)", id, text);

async function openNotes() {
  const path = join(temporaryFolder(), "mailit.db");
  const transport = closedAfterwards(openEmbedded(path));
  await transport.batch([write("create table notes (id integer primary key, text text)")]);
  return { path, transport };
}

/** How many transactions the write-ahead log holds: a frame that ends one says how long the database then is. */
function commitsIn(path: string): number {
  const wal = readFileSync(`${path}-wal`);
  const frameLength = 24 + wal.readUInt32BE(8);
  const salts = wal.subarray(16, 24);
  let commits = 0;
  for (let at = 32; at + frameLength <= wal.length; at += frameLength) {
    const isCurrent = wal.subarray(at + 8, at + 16).equals(salts);
    if (isCurrent && wal.readUInt32BE(at + 4) > 0) commits++;
  }
  return commits;
}

test("batches of one turn share one commit, and each waits for its own", async () => {
  const { path, transport } = await openNotes();
  const before = commitsIn(path);
  await Promise.all(Array.from({ length: 100 }, (_, id) => transport.batch([addNote(id)])));
  expect(commitsIn(path) - before).toBe(1);
  for (let id = 100; id < 105; id++) await transport.batch([addNote(id)]);
  expect(commitsIn(path) - before).toBe(6);
});

test("a commit waits for the disk", async () => {
  const { transport } = await openNotes();
  expect((await transport.query("pragma synchronous", [], "get")).rows).toEqual([2]); // full
  expect((await transport.query("pragma journal_mode", [], "get")).rows).toEqual(["wal"]);
});

test("a full disk is told as such, leaves nothing half written, and passes", async () => {
  const { transport } = await openNotes();
  await transport.batch([addNote(1)]);
  const [pages] = (await transport.query("pragma page_count", [], "get")).rows;
  await transport.query(`pragma max_page_count = ${Number(pages) + 4}`, [], "run");

  const outcomes = await Promise.allSettled([
    transport.batch([addNote(2), addNote(3, "x".repeat(100_000))]),
    transport.batch([addNote(4, "x".repeat(100_000))]),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StorageUnavailable) });
  }
  expect((await transport.query("select id from notes", [], "values")).rows).toEqual([[1]]);

  await transport.query("pragma max_page_count = 1000", [], "run");
  await transport.batch([addNote(2)]);
  expect((await transport.query("select id from notes", [], "values")).rows).toEqual([[1], [2]]);
});

test("a database that may only be read answers reads and refuses writes for now", async () => {
  const { transport } = await openNotes();
  await transport.query("pragma query_only = on", [], "run");
  await expect(transport.batch([addNote(1)])).rejects.toBeInstanceOf(StorageUnavailable);
  expect((await transport.query("select count(*) from notes", [], "get")).rows).toEqual([0]);
});

test("a database that can't be opened, or is none, is storage that is not available", async () => {
  const folder = temporaryFolder();
  const text = join(folder, "text.db");
  await Bun.write(text, "no database at all, but longer than the header of one ".repeat(10));
  for (const path of [folder, join(folder, "missing", "mailit.db"), text]) {
    expect(() => openEmbedded(path)).toThrow(StorageUnavailable);
  }
});

test("more distinct statements than are kept prepared work like the first", async () => {
  const { transport } = await openNotes();
  for (let id = 0; id < 600; id++) {
    const { rows } = await transport.query(`select ${id}`, [], "get");
    expect(rows).toEqual([id]);
  }
  await transport.batch([addNote(1)]);
  expect((await transport.query("select id from notes", [], "values")).rows).toEqual([[1]]);
});

test("a closed database is one whole file that another process may move", async () => {
  const { path, transport } = await openNotes();
  const writing = transport.batch([addNote(1)]);
  await transport.close();
  await writing;
  expect(await Bun.file(`${path}-wal`).exists()).toBe(false);
  const database = new Database(path, { readonly: true });
  expect(database.query("select * from notes").values()).toEqual([[1, "note"]]);
  database.close();
});

test("with a thread, batches of one turn share one commit, and large ones need not wait for its end", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  const transport = closedAfterwards(openEmbedded(path, { busyStatements: 0 }));
  await transport.batch([write("create table notes (id integer primary key, text text)")]);
  await transport.batch([addNote(-1)]);
  const before = commitsIn(path);
  await Promise.all(Array.from({ length: 20 }, (_, id) => transport.batch([addNote(id)])));
  expect(commitsIn(path) - before).toBe(1);
  const large = Array.from({ length: 64 }, (_, n) => addNote(1_000 + n));
  const [, count] = await Promise.all([transport.batch(large), transport.batch([write("select 1")])]);
  expect(count).toEqual([{ rows: [[1]], changes: 1 }]);
  expect((await transport.query("select count(*) from notes", [], "get")).rows).toEqual([85]);
});

test("a thread that is lost fails what it had, and writing goes on without it", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  const threaded = closedAfterwards(openEmbedded(path, { busyStatements: 0 }));
  await threaded.batch([write("create table notes (id integer primary key, text text)")]);
  await threaded.batch([addNote(1)]);
  const uncopyable = (() => {}) as unknown as SqlValue;
  const outcomes = await Promise.allSettled([
    threaded.batch([write("select ?", uncopyable)]),
    threaded.batch([addNote(2)]),
  ]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(StorageUnavailable) });
  }
  await threaded.batch([addNote(3)]);
  expect((await threaded.query("select id from notes", [], "values")).rows).toEqual([[1], [3]]);
});

test("closing with a thread answers what is under way and leaves one whole file", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  const transport = closedAfterwards(openEmbedded(path, { busyStatements: 0 }));
  await transport.batch([write("create table notes (id integer primary key, text text)")]);
  const writing = Promise.all(Array.from({ length: 300 }, (_, id) => transport.batch([addNote(id)])));
  await transport.close();
  expect(await writing).toHaveLength(300);
  expect(await Bun.file(`${path}-wal`).exists()).toBe(false);
  const database = new Database(path, { readonly: true });
  expect(database.query("select count(*) from notes").values()).toEqual([[300]]);
  database.close();
});
