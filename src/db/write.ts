import { Column, is, Param, Placeholder, type SQL } from "drizzle-orm";
import { SQLiteAsyncDialect } from "drizzle-orm/sqlite-core";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import type { Db } from "./open.ts";
import type { SqlValue, Statement, StatementResult } from "./transport.ts";

/**
 * A statement that nobody has run yet: a Drizzle `insert`, `update` or `delete`, or one made by `preparedWrite` or
 * `rawWrite`. `dueAt` says when the job it stores becomes due, so that the dispatcher can be woken after the commit;
 * `storesJob`, from what it did, whether it stored one, where that is not certain.
 */
export interface Write {
  toSQL(): { sql: string; params: unknown[] };
  dueAt?: Date;
  storesJob?(result: StatementResult): boolean;
}

/** The text and values of a write, ready for a transport. */
export function toStatement(write: Write): Statement {
  const { sql, params } = write.toSQL();
  return { sql, params: params as SqlValue[] };
}

/** A write given as SQL text, for what Drizzle's builders can't say. */
export function rawWrite(text: string, params: SqlValue[] = []): Write {
  const built = { sql: text, params };
  return { toSQL: () => built };
}

const dialect = new SQLiteAsyncDialect();

/** The same put together of pieces with their parameters, such as conditions. */
export function sqlWrite(query: SQL): Write {
  const { sql, params } = dialect.sqlToQuery(query);
  return rawWrite(sql, params as SqlValue[]);
}

// All slots have one shape: the engine then reads them without looking up what they are.
interface Slot {
  /** Undefined: `fixed` is the value. */
  name: string | undefined;
  fixed: SqlValue;
  encode: ((value: unknown) => unknown) | undefined;
}

// Builds SQL text and never runs any: text does not depend on a connection.
const builder: Db = drizzle(async () => ({ rows: [] }));

/**
 * A write whose SQL text is built once, for the hot paths: building costs several times what SQLite takes to run it.
 * The query names its values with `sql.placeholder`; each call fills them in. `null` stays null in every column.
 */
export function preparedWrite<V extends Record<string, unknown>>(
  build: (db: Db) => { toSQL(): { sql: string; params: unknown[] } },
): (values: V) => Write {
  let text = "";
  let slots: Slot[] | undefined;
  return (values) => {
    if (!slots) {
      const built = build(builder).toSQL();
      text = built.sql;
      slots = built.params.map(toSlot);
    }
    const params = new Array<SqlValue>(slots.length);
    for (let n = 0; n < slots.length; n++) params[n] = fill(slots[n]!, values);
    const statement = { sql: text, params };
    return { toSQL: () => statement };
  };
}

function fill({ name, fixed, encode }: Slot, values: Record<string, unknown>): SqlValue {
  if (name === undefined) return fixed;
  const value = values[name];
  if (value === undefined) throw new Error(`no value for ${name}`);
  return (value === null || encode === undefined ? value : encode(value)) as SqlValue;
}

function toSlot(param: unknown): Slot {
  if (is(param, Placeholder)) return { name: param.name, fixed: null, encode: undefined };
  if (is(param, Param) && is(param.value, Placeholder)) {
    const { encoder, value } = param;
    // Most columns take values as they are.
    const isPlain = encoder.mapToDriverValue === Column.prototype.mapToDriverValue;
    const encode = isPlain ? undefined : (given: unknown) => encoder.mapToDriverValue(given);
    return { name: value.name, fixed: null, encode };
  }
  return { name: undefined, fixed: param as SqlValue, encode: undefined };
}

const expectation = rawWrite("insert into expect select changes()");

/**
 * Fails the batch with a `stale` conflict unless the statement before it changed a row (D3): what follows may rely on
 * that update having hit.
 */
export function expectChange(): Write {
  return expectation;
}
