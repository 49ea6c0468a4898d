import type { Database, SQLQueryBindings } from "bun:sqlite";

type Value =
  | { type: "null" }
  | { type: "integer"; value: string }
  | { type: "float"; value: number }
  | { type: "text"; value: string }
  | { type: "blob"; base64: string };

interface Sql {
  sql?: string | null;
  sql_id?: number | null;
}

interface Stmt extends Sql {
  args?: Value[];
  named_args?: { name: string; value: Value }[];
  want_rows?: boolean;
}

type Condition =
  | { type: "ok" | "error"; step: number }
  | { type: "not"; cond: Condition }
  | { type: "and" | "or"; conds: Condition[] }
  | { type: "is_autocommit" };

export type StreamRequest =
  | { type: "execute"; stmt: Stmt }
  | { type: "batch"; batch: { steps: { condition?: Condition | null; stmt: Stmt }[] } }
  | ({ type: "sequence" | "describe" } & Sql)
  | { type: "store_sql"; sql_id: number; sql: string }
  | { type: "close_sql"; sql_id: number }
  | { type: "get_autocommit" | "close" };

export interface SqlFault {
  message: string;
  code: string;
}

type Binding = string | bigint | number | null | Uint8Array;
type Outcome = { result: object } | { error: SqlFault } | undefined;

class Fault extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** One Hrana stream: a connection and the SQL texts its client has stored on it. */
export class HranaStream {
  private readonly texts = new Map<number, string>();

  constructor(readonly database: Database) {}

  /** What goes beside `type` in the answer; throws what `sqlFault` describes. */
  answer(request: StreamRequest): object {
    switch (request.type) {
      case "execute":
        return { result: this.execute(request.stmt) };
      case "batch":
        return { result: this.batch(request.batch.steps) };
      case "sequence":
        this.database.run(this.textOf(request));
        return {};
      case "describe":
        return { result: this.describe(this.textOf(request)) };
      case "store_sql":
        this.texts.set(request.sql_id, request.sql);
        return {};
      case "close_sql":
        this.texts.delete(request.sql_id);
        return {};
      case "get_autocommit":
        return { is_autocommit: !this.database.inTransaction };
      case "close":
        return {};
    }
  }

  rollBack(): void {
    if (this.database.inTransaction) this.database.run("rollback");
  }

  private execute(stmt: Stmt): object {
    const sql = this.textOf(stmt);
    requireOneStatement(sql);
    const statement = this.database.prepare(sql);
    try {
      const bindings = bindingsOf(stmt);
      if (statement.columnNames.length === 0) {
        const { changes, lastInsertRowid } = statement.run(...bindings);
        return toResult([], [], Number(changes), lastInsertRowid);
      }
      const rows = statement.values(...bindings);
      const writes = /^\s*(insert|update|delete|replace)\b/i.test(sql);
      const columns = statement.columnNames.map((name, at) => ({
        name,
        decltype: statement.declaredTypes[at] ?? null,
      }));
      return toResult(
        columns,
        stmt.want_rows === false ? [] : rows,
        writes ? rows.length : 0,
        this.lastRowid(),
      );
    } finally {
      statement.finalize();
    }
  }

  private batch(steps: { condition?: Condition | null; stmt: Stmt }[]): object {
    const outcomes: Outcome[] = [];
    for (const { condition, stmt } of steps) {
      outcomes.push(!condition || this.holds(condition, outcomes) ? this.attempt(stmt) : undefined);
    }
    return {
      step_results: outcomes.map((outcome) => (outcome && "result" in outcome ? outcome.result : null)),
      step_errors: outcomes.map((outcome) => (outcome && "error" in outcome ? outcome.error : null)),
    };
  }

  private attempt(stmt: Stmt): Outcome {
    try {
      return { result: this.execute(stmt) };
    } catch (error) {
      return { error: sqlFault(error) };
    }
  }

  private holds(condition: Condition, outcomes: Outcome[]): boolean {
    switch (condition.type) {
      case "ok":
        return "result" in (outcomes[condition.step] ?? {});
      case "error":
        return "error" in (outcomes[condition.step] ?? {});
      case "not":
        return !this.holds(condition.cond, outcomes);
      case "and":
        return condition.conds.every((each) => this.holds(each, outcomes));
      case "or":
        return condition.conds.some((each) => this.holds(each, outcomes));
      case "is_autocommit":
        return !this.database.inTransaction;
    }
  }

  private describe(sql: string): object {
    requireOneStatement(sql);
    const statement = this.database.prepare(sql);
    try {
      return {
        params: Array.from({ length: statement.paramsCount }, () => ({ name: null })),
        cols: statement.columnNames.map((name) => ({ name, decltype: null })),
        is_explain: /^\s*explain\b/i.test(sql),
        is_readonly: /^\s*(select|explain|values)\b/i.test(sql),
      };
    } finally {
      statement.finalize();
    }
  }

  private textOf({ sql, sql_id: id }: Sql): string {
    const text = sql ?? this.texts.get(id ?? Number.NaN);
    if (text === undefined) throw new Fault("SQL_NOT_FOUND", `SQL text ${id} is not stored`);
    return text;
  }

  private lastRowid(): bigint {
    return this.database.query<{ id: bigint }, []>("select last_insert_rowid() as id").get()!.id;
  }
}

/** An error in sqld's words: SQLite's primary result code and its message behind a prefix. */
export function sqlFault(error: unknown): SqlFault {
  if (error instanceof Fault) return { code: error.code, message: error.message };
  if (!(error instanceof Error)) throw error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "SQLITE_UNKNOWN";
  const [primary] = /^SQLITE_[A-Z]+/.exec(code) ?? ["SQLITE_UNKNOWN"];
  return {
    code: primary === "SQLITE_ERROR" ? "SQLITE_UNKNOWN" : primary,
    message: `SQLite error: ${error.message}`,
  };
}

/** bun:sqlite would run the first and drop the rest without a word; sqld refuses, and so a migration must not rely on it. */
function requireOneStatement(sql: string): void {
  const bare = sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"/g, " ");
  if (/^\s*create\s+trigger\b/i.test(bare) || !/;\s*\S/.test(bare)) return;
  throw new Fault("SQL_MANY_STATEMENTS", "SQL string contains more than one statement");
}

function toResult(cols: object[], rows: unknown[][], changes: number, rowid: number | bigint): object {
  return {
    cols,
    rows: rows.map((row) => row.map(toValue)),
    affected_row_count: changes,
    last_insert_rowid: String(rowid),
  };
}

function bindingsOf({ args = [], named_args: named = [] }: Stmt): SQLQueryBindings[] {
  if (named.length === 0) return args.map(toBinding);
  return [Object.fromEntries(named.map(({ name, value }) => [withSigil(name), toBinding(value)]))];
}

function toBinding(value: Value): Binding {
  switch (value.type) {
    case "null":
      return null;
    case "integer":
      return BigInt(value.value);
    case "float":
      // bun:sqlite binds 5.0 as the integer 5, sqld as a real: a test would not see what a client gets wrong.
      if (Number.isInteger(value.value))
        throw new Fault("ARGS_INVALID", "a whole number was sent as a float");
      return value.value;
    case "text":
      return value.value;
    case "blob":
      return new Uint8Array(Buffer.from(value.base64, "base64"));
  }
}

function toValue(value: unknown): Value {
  if (value === null) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: String(value) };
  if (typeof value === "number") return { type: "float", value };
  if (typeof value === "string") return { type: "text", value };
  if (value instanceof Uint8Array) {
    return { type: "blob", base64: Buffer.from(value).toString("base64").replace(/=+$/, "") };
  }
  throw new Fault("SQLITE_UNKNOWN", `a value of type ${typeof value}`);
}

function withSigil(name: string): string {
  return /^[:@$]/.test(name) ? name : `:${name}`;
}
