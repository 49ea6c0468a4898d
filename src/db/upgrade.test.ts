import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Migration } from "../../migrations/index.ts";
import { closedAfterwards, eachTransport, temporaryFolder } from "../../test/support/transports.ts";
import { ConfigFault, StorageUnavailable } from "../errors.ts";
import { makeLogger } from "../log.ts";
import { openEmbedded } from "./embedded.ts";
import { migrateUp } from "./migrate.ts";
import { upgrade } from "./upgrade.ts";

const now = new Date("2026-01-02T03:04:05.678Z");
const log = makeLogger("silent", "json");

const first: Migration = {
  version: 1,
  name: "boxes",
  up: "create table boxes (id integer primary key, label text)",
  down: "drop table boxes",
};
const second: Migration = {
  version: 2,
  name: "labels",
  up: "update boxes set label = 'new'",
  down: "update boxes set label = 'old'",
};

/** A database of the version before, with one box in it. */
async function openOld(name = "mailit.db") {
  const path = join(temporaryFolder(), name);
  const transport = closedAfterwards(openEmbedded(path));
  await migrateUp(transport, now, [first]);
  await transport.batch([{ sql: "insert into boxes values (1, 'old')", params: [] }]);
  return { path, transport };
}

function labelIn(path: string): unknown {
  const database = new Database(path, { readonly: true });
  try {
    return database.query("select label from boxes").values()[0]?.[0];
  } finally {
    database.close();
  }
}

const copiesOf = (path: string) =>
  readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.before-`));

test("an upgrade first keeps the database as it was, as private as it was", async () => {
  const { path, transport } = await openOld();
  chmodSync(path, 0o600);
  const applied = await upgrade(transport, { path, now, log }, [first, second]);
  expect(applied.map(({ name }) => name)).toEqual(["labels"]);
  expect(labelIn(path)).toBe("new");
  expect(copiesOf(path)).toEqual(["mailit.db.before-2"]);
  expect(labelIn(`${path}.before-2`)).toBe("old");
  expect(statSync(`${path}.before-2`).mode & 0o777).toBe(0o600);
});

test("a new database and one that is up to date are not copied", async () => {
  const path = join(temporaryFolder(), "mailit.db");
  const transport = closedAfterwards(openEmbedded(path));
  await upgrade(transport, { path, now, log }, [first, second]);
  expect(await upgrade(transport, { path, now, log }, [first, second])).toEqual([]);
  expect(copiesOf(path)).toEqual([]);
});

test("a copy that is there is kept, what a crash left of one is not", async () => {
  const kept = await openOld();
  writeFileSync(`${kept.path}.before-2`, "kept");
  await upgrade(kept.transport, { path: kept.path, now, log }, [first, second]);
  expect(readFileSync(`${kept.path}.before-2`, "utf8")).toBe("kept");

  const crashed = await openOld();
  writeFileSync(`${crashed.path}.before-2.tmp`, "half a database");
  await upgrade(crashed.transport, { path: crashed.path, now, log }, [first, second]);
  expect(copiesOf(crashed.path)).toEqual(["mailit.db.before-2"]);
  expect(labelIn(`${crashed.path}.before-2`)).toBe("old");
});

test("without a place for the copy nothing is migrated", async () => {
  const { path, transport } = await openOld("d".repeat(245)); // its copy's name is longer than a file's may be
  const upgrading = upgrade(transport, { path, now, log }, [first, second]);
  await expect(upgrading).rejects.toThrow(StorageUnavailable);
  await expect(upgrading).rejects.toThrow("The database was not upgraded");
  expect(labelIn(path)).toBe("old");
});

test("a damaged database is not upgraded", async () => {
  const { path, transport } = await openOld();
  const boxes = Array.from({ length: 500 }, (_, at) => ({
    sql: "insert into boxes values (?, ?)",
    params: [at + 2, "x".repeat(100)],
  }));
  await transport.batch([...boxes, { sql: "create index boxes_label on boxes (label)", params: [] }]);
  await transport.close();
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.length - 4096); // a page of the table or its index, lost by a bad disk
  writeFileSync(path, bytes);

  const damaged = closedAfterwards(openEmbedded(path));
  const upgrading = upgrade(damaged, { path, now, log }, [first, second]);
  await expect(upgrading).rejects.toThrow(ConfigFault);
  await expect(upgrading).rejects.toThrow("is damaged and was not upgraded");
  expect(copiesOf(path)).toEqual([]);
});

eachTransport((_name, open) => {
  test("two nodes that start at once both come up on the new version", async () => {
    const one = await open({ empty: true });
    const two = one.another();
    await migrateUp(one, now, [first]);
    const applied = await Promise.all([one, two].map((node) => upgrade(node, { now, log }, [first, second])));
    expect(applied.flat().map(({ name }) => name)).toEqual(["labels"]);
    expect(await upgrade(two, { now, log }, [first, second])).toEqual([]);
  });
});
