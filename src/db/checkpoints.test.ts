import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbedded } from "./embedded.ts";
import type { Transport } from "./transport.ts";

const text = "x".repeat(1_000);

async function busyDatabase(work: (transport: Transport, path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "mailit-test-"));
  try {
    const path = join(folder, "mailit.db");
    const transport = openEmbedded(path);
    await transport.query("create table rows (id integer primary key, text text)", [], "run");
    await work(transport, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function write(transport: Transport, batches: number): Promise<void> {
  const statements = Array.from({ length: 200 }, () => ({
    sql: "insert into rows (text) values (?)",
    params: [text],
  }));
  for (let n = 0; n < batches; n++) await transport.batch(statements);
}

const sizeOf = (path: string) => Bun.file(path).size;

test("what is written quickly gets into the database beside the writes", () =>
  busyDatabase(async (transport, path) => {
    await write(transport, 100);
    // SQLite itself would do it only after 400 MB by now, and 20 MB are written.
    for (let more = 0; sizeOf(path) < 10_000_000 && more < 500; more++) await write(transport, 1);
    expect(sizeOf(path)).toBeGreaterThan(10_000_000);
    await transport.close();
  }));

test("closing a busy database leaves one whole file", () =>
  busyDatabase(async (transport, path) => {
    await write(transport, 60);
    const last = write(transport, 1);
    await transport.close();
    await last;
    expect(await Bun.file(`${path}-wal`).exists()).toBeFalse();
    const database = new Database(path, { readonly: true });
    expect(database.query("select count(*) from rows").values()).toEqual([[61 * 200]]);
    expect(database.query("pragma integrity_check").values()).toEqual([["ok"]]);
    database.close();
  }));
