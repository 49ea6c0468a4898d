import { expect, test } from "bun:test";
import { migrations as embedded, type Migration } from "../../migrations/index.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { ConfigFault } from "../errors.ts";
import { migrateDown, migrateUp, migrationStates, statementsOf } from "./migrate.ts";
import type { Transport } from "./transport.ts";

const now = new Date("2026-01-02T03:04:05.678Z");

const first: Migration = {
  version: 1,
  name: "boxes",
  up: "create table boxes (id integer primary key)",
  down: "drop table boxes",
};
const second: Migration = {
  version: 2,
  name: "items",
  up: "create table items (box integer references boxes (id))\n\ncreate index items_box on items (box)",
  down: "drop table items",
};

/** The whole shape of a database: tables, indexes, views and triggers as SQL. */
async function shapeOf(transport: Transport): Promise<unknown> {
  const { rows } = await transport.query(
    "select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite_%' order by type, name",
    [],
    "values",
  );
  return rows;
}

const tablesOf = async (transport: Transport) =>
  ((await shapeOf(transport)) as string[][]).filter(([type]) => type === "table").map(([, name]) => name);

eachTransport((_name, open) => {
  test("up, down and up again give the same database, and down leaves nothing", async () => {
    const transport = await open({ empty: true });
    const applied = await migrateUp(transport, now);
    const shape = await shapeOf(transport);
    expect(applied.map(({ version }) => version)).toEqual(embedded.map(({ version }) => version));

    await migrateDown(transport, embedded.length);
    expect(await tablesOf(transport)).toEqual(["migrations"]);
    await migrateUp(transport, now);
    expect(await shapeOf(transport)).toEqual(shape);
  });

  test("taking back what restricts a key or ends a suppression widens nothing", async () => {
    const transport = await open({ empty: true });
    await migrateUp(transport, now);
    const insert = (sql: string) => transport.query(sql, [], "run");
    await insert("insert into teams values ('t', 'Team', 0)");
    const key = (id: string, networks: string) =>
      insert(`insert into api_keys (id, team_id, name, token_hash, token_start, permission, created_at, allowed_ips)
              values ('${id}', 't', 'n', '${id}', 're_', 'full_access', 0, '${networks}')`);
    await key("open", "[]");
    await key("bound", '["192.0.2.0/24"]');
    const suppression = (address: string, end: string) =>
      insert(`insert into suppressions (id, team_id, address, reason, created_at, expires_at)
              values ('${address}', 't', '${address}', 'manual', 0, ${end})`);
    await suppression("over@example.org", "1");
    await suppression("stays@example.org", "null");
    await suppression("later@example.org", "9000000000000");

    await migrateDown(transport, embedded.length - 2);
    const ids = async (table: string) =>
      (
        (await transport.query(`select id from ${table} order by id`, [], "values")).rows as string[][]
      ).flat();
    expect(await ids("api_keys")).toEqual(["open"]);
    expect(await ids("suppressions")).toEqual(["later@example.org", "stays@example.org"]);
  });

  test("each migration is recorded with its time, and applied once", async () => {
    const transport = await open({ empty: true });
    await migrateUp(transport, now, [first]);
    expect(await migrationStates(transport, [first, second])).toEqual([
      { version: 1, name: "boxes", appliedAt: now },
      { version: 2, name: "items", appliedAt: undefined },
    ]);
    const later = new Date(now.getTime() + 1000);
    expect(await migrateUp(transport, later, [first, second])).toEqual([
      { version: 2, name: "items", appliedAt: later },
    ]);
    expect(await migrateUp(transport, later, [first, second])).toEqual([]);
  });

  test("down takes back the newest first, and no more than asked", async () => {
    const transport = await open({ empty: true });
    await migrateUp(transport, now, [first, second]);
    const names = (await migrateDown(transport, 1, [first, second])).map(({ name }) => name);
    expect(names).toEqual(["items"]);
    expect(await tablesOf(transport)).toEqual(["boxes", "migrations"]);
  });

  test("a migration that fails halfway leaves nothing of itself", async () => {
    const transport = await open({ empty: true });
    const broken = { ...second, up: `${second.up}\n\ncreate table boxes (id integer)` };
    await expect(migrateUp(transport, now, [first, broken])).rejects.toThrow("boxes already exists");
    expect(await tablesOf(transport)).toEqual(["boxes", "migrations"]);
    await migrateUp(transport, now, [first, second]);
    expect(await tablesOf(transport)).toEqual(["boxes", "items", "migrations"]);
  });

  test("a migration that was edited after its release is refused", async () => {
    const transport = await open({ empty: true });
    await migrateUp(transport, now, [first]);
    const edited = { ...first, up: "create table boxes (id text primary key)" };
    const refusal = new ConfigFault("Migration 1 (boxes) is not the one this database was made with");
    await expect(migrateUp(transport, now, [edited])).rejects.toThrow(refusal);
    await expect(migrateDown(transport, 1, [edited])).rejects.toThrow(refusal);
  });

  test("a database of a newer version is refused in a sentence that says what to do", async () => {
    const transport = await open({ empty: true });
    await migrateUp(transport, now, [first, second]);
    await expect(migrateUp(transport, now, [first])).rejects.toThrow(
      new ConfigFault(
        "The database has migration 2, which this version of MailIt does not know: use the newer version that made it, or restore a backup",
      ),
    );
  });

  test("of two nodes that start at once each migration is applied by one, and both go on", async () => {
    const one = await open({ empty: true });
    const two = one.another();
    await migrateUp(one, now, []); // both see an empty list before either writes
    const racing = await Promise.all([
      migrateUp(one, now, [first, second]),
      migrateUp(two, now, [first, second]),
    ]);
    const applied = racing.flat().map(({ name }) => name);
    expect(applied.sort()).toEqual(["boxes", "items"]);
    expect(await tablesOf(two)).toEqual(["boxes", "items", "migrations"]);
  });
});

test("statements are what stands between empty lines; a paragraph of comments is none", () => {
  const text = `
-- What this migration is for.

-- Why there is a table.
create table a (id integer)

create trigger t after insert on a
begin
  select 1;
  select 2;
end
   \t
create index i on a (id)
`;
  expect(statementsOf(text)).toEqual([
    { sql: "-- Why there is a table.\ncreate table a (id integer)", params: [] },
    { sql: "create trigger t after insert on a\nbegin\n  select 1;\n  select 2;\nend", params: [] },
    { sql: "create index i on a (id)", params: [] },
  ]);
});

test("versions count up from 1 without a gap, and every migration has a way back", () => {
  expect(embedded.map(({ version }) => version)).toEqual(embedded.map((_, at) => at + 1));
  for (const { down } of embedded) expect(statementsOf(down)).not.toEqual([]);
});
