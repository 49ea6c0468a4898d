import { Database, type Statement as Prepared } from "bun:sqlite";
import { translateFault } from "./faults.ts";
import {
  isRead,
  type Method,
  type Row,
  type SqlValue,
  type Statement,
  type StatementResult,
  shapeRows,
  type Transport,
} from "./transport.ts";

interface Waiting {
  statements: Statement[];
  resolve(results: StatementResult[]): void;
  reject(error: unknown): void;
}

/** Statements seen once too often to keep: built text (long `in` lists) would otherwise grow the cache for ever. */
const maxPrepared = 500;

/**
 * SQLite in this process. Batches that arrive in one turn of the event loop share one transaction and one fsync, each
 * in a savepoint of its own, so a refused batch costs its neighbours nothing (D4). `path` may be `:memory:` for tools.
 */
export function openEmbedded(path: string): Transport {
  const database = openDatabase(path);
  const prepared = new Map<string, Prepared>();
  let waiting: Waiting[] = [];
  let scheduled = false;
  let closed = false;

  function prepare(sql: string): Prepared {
    const known = prepared.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    if (prepared.size > maxPrepared) {
      const [oldest] = prepared.keys();
      prepared.get(oldest!)?.finalize();
      prepared.delete(oldest!);
    }
    return statement;
  }

  function run({ sql, params }: Statement): StatementResult {
    const statement = prepare(sql);
    if (statement.columnNames.length > 0) {
      const rows = statement.values(...params) as Row[];
      return { rows, changes: rows.length };
    }
    return { rows: [], changes: statement.run(...params).changes };
  }

  function runAll(statements: Statement[]): StatementResult[] {
    return statements.map(run);
  }

  /** Runs one batch inside the open transaction; a refusal undoes this batch only. */
  function runInSavepoint(batch: Waiting): (() => void) | undefined {
    prepare("savepoint batch").run();
    try {
      const results = runAll(batch.statements);
      prepare("release batch").run();
      return () => batch.resolve(results);
    } catch (error) {
      // A full disk ends the whole transaction, not just the savepoint; then there is nothing left to roll back to.
      if (!database.inTransaction) throw error;
      prepare("rollback to batch").run();
      prepare("release batch").run();
      batch.reject(translateFault(error));
      return undefined;
    }
  }

  function commitGroup(): void {
    scheduled = false;
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    const answers: (() => void)[] = [];
    try {
      prepare("begin immediate").run();
      for (const batch of group) {
        const answer = runInSavepoint(batch);
        if (answer) answers.push(answer);
      }
      prepare("commit").run();
    } catch (error) {
      const fault = translateFault(error);
      for (const batch of group) batch.reject(fault); // a no-op for those already refused
      if (database.inTransaction) prepare("rollback").run();
      return;
    }
    for (const answer of answers) answer();
  }

  function batch(statements: Statement[]): Promise<StatementResult[]> {
    if (closed) return Promise.reject(new Error("the database is closed"));
    return new Promise((resolve, reject) => {
      waiting.push({ statements, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      setImmediate(commitGroup);
    });
  }

  return {
    async query(sql: string, params: SqlValue[], method: Method) {
      if (!isRead(sql)) {
        const [result] = await batch([{ sql, params }]);
        return shapeRows(result!.rows, method);
      }
      if (closed) throw new Error("the database is closed");
      try {
        return shapeRows(prepare(sql).values(...params) as Row[], method);
      } catch (error) {
        throw translateFault(error);
      }
    },
    batch,
    async close() {
      if (closed) return;
      closed = true;
      commitGroup();
      for (const statement of prepared.values()) statement.finalize();
      database.close(true);
    },
  };
}

function openDatabase(path: string): Database {
  try {
    const database = new Database(path, { create: true });
    database.run("pragma busy_timeout = 5000"); // a CLI command may be writing beside the server
    database.run("pragma journal_mode = wal");
    database.run("pragma synchronous = full"); // a commit is on disk before it is answered
    database.run("pragma foreign_keys = on");
    database.run("pragma temp_store = memory");
    database.run("pragma cache_size = -32768"); // KiB
    return database;
  } catch (error) {
    throw translateFault(error);
  }
}
