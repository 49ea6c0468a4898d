import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { is } from "drizzle-orm";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { migrations } from "../../migrations/index.ts";
import { statementsOf } from "./migrate.ts";

interface Column {
  name: string;
  affinity: string;
  notNull: boolean;
}

interface Shape {
  columns: Column[];
  primaryKey: string[];
  /** Columns of each unique index beside the primary key, in order. */
  unique: string[];
}

const tables = await drizzleTables();
const database = new Database(":memory:");
beforeAll(() => {
  for (const { up } of migrations) for (const { sql } of statementsOf(up)) database.run(sql);
});
afterAll(() => database.close());

/** Every table that a room's schema.ts exports, by its name in the database. */
async function drizzleTables(): Promise<Map<string, SQLiteTable>> {
  const found = new Map<string, SQLiteTable>();
  const source = join(import.meta.dir, "..");
  for await (const file of new Bun.Glob("*/schema.ts").scan({ cwd: source })) {
    const exported: Record<string, unknown> = await import(join(source, file));
    for (const table of Object.values(exported)) {
      if (is(table, SQLiteTable)) found.set(getTableConfig(table).name, table);
    }
  }
  return found;
}

/** Datatypes In SQLite, §3.1: what a declared type means for the values stored. */
function affinityOf(type: string): string {
  if (/int/i.test(type)) return "integer";
  if (/char|clob|text/i.test(type)) return "text";
  if (/blob|^$/i.test(type)) return "blob";
  return /real|floa|doub/i.test(type) ? "real" : "numeric";
}

function declaredShape(table: SQLiteTable): Shape {
  const { columns, primaryKeys, indexes, uniqueConstraints } = getTableConfig(table);
  const key = columns.filter(({ primary }) => primary).concat(primaryKeys.flatMap((each) => each.columns));
  const unique = [
    ...columns.filter(({ isUnique }) => isUnique).map(({ name }) => name),
    ...uniqueConstraints.map((each) => each.columns.map(({ name }) => name).join()),
    ...indexes
      .filter(({ config }) => config.unique)
      .map(({ config }) => config.columns.map((column) => ("name" in column ? column.name : null)).join()),
  ];
  return {
    columns: columns.map((column) => ({
      name: column.name,
      affinity: affinityOf(column.getSQLType()),
      notNull: column.notNull,
    })),
    primaryKey: key.map(({ name }) => name),
    unique: unique.sort(),
  };
}

function storedShape(table: string): Shape {
  const columns = database
    .query<{ name: string; type: string; notnull: number; pk: number }, [string]>(
      'select name, type, "notnull", pk from pragma_table_info(?) order by cid',
    )
    .all(table);
  const unique = database
    .query<{ columns: string }, [string]>(
      `select (select group_concat(name) from (select name from pragma_index_info(list.name) order by seqno)) as columns
       from pragma_index_list(?) list where "unique" = 1 and origin <> 'pk'`,
    )
    .all(table);
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  return {
    columns: columns.map(({ name, type, notnull }) => ({
      name,
      affinity: affinityOf(type),
      notNull: notnull === 1,
    })),
    primaryKey: key.map(({ name }) => name),
    unique: unique.map((index) => index.columns).sort(),
  };
}

const byName = (a: Column, b: Column) => a.name.localeCompare(b.name);
const sorted = (shape: Shape): Shape => ({ ...shape, columns: [...shape.columns].sort(byName) });

test.each([...tables.keys()])("the table %s is in the database as its schema.ts says", (name) => {
  expect(sorted(storedShape(name))).toEqual(sorted(declaredShape(tables.get(name)!)));
});

test("every table of the database has a schema.ts that declares it", () => {
  const stored = database
    .query<{ name: string }, []>(
      "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'",
    )
    .all()
    .map(({ name }) => name)
    // Words for searching: FTS5's own tables, written and asked in SQL alone (src/emails/search-index.ts).
    .filter((name) => !/^email_search(_(config|data|docsize|idx|terms|content))?$/.test(name));
  expect([...tables.keys()].sort()).toEqual(stored.sort());
});
