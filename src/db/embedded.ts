import { Database, type Statement as Prepared } from "bun:sqlite";
import { startCheckpoints } from "./checkpoints.ts";
import { translateFault } from "./faults.ts";
import {
  type BatchOptions,
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

interface Kept {
  statement: Prepared;
  givesRows: boolean;
}

/** Statements seen once too often to keep: built text (long `in` lists) would otherwise grow the cache for ever. */
const maxPrepared = 500;

/** How long a patient batch waits for others to share its commit. */
const patienceMs = 4;

/**
 * SQLite in this process. Batches that arrive in one turn of the event loop share one transaction and one fsync, and a
 * refused batch costs its neighbours nothing (D4). `path` may be `:memory:` for tools.
 */
export function openEmbedded(path: string): Transport {
  const database = openDatabase(path);
  const checkpoints = startCheckpoints(path, database);
  const prepared = new Map<string, Kept>();
  let waiting: Waiting[] = [];
  let scheduled: "no" | "later" | "now" = "no";
  let later: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function prepare(sql: string): Kept {
    const known = prepared.get(sql);
    if (known) return known;
    const statement = database.prepare(sql);
    const kept = { statement, givesRows: statement.columnNames.length > 0 };
    prepared.set(sql, kept);
    if (prepared.size > maxPrepared) {
      const [oldest] = prepared.keys();
      prepared.get(oldest!)?.statement.finalize();
      prepared.delete(oldest!);
    }
    return kept;
  }

  const control = (sql: "begin immediate" | "commit" | "rollback" | `${string} batch`) =>
    prepare(sql).statement.run();

  function run({ sql, params }: Statement): StatementResult {
    const { statement, givesRows } = prepare(sql);
    if (!givesRows) return { rows: [], changes: statement.run(...params).changes };
    const rows = statement.values(...params) as Row[];
    return { rows, changes: rows.length };
  }

  /** All batches in one transaction; undefined when one of them failed, and then nothing of any is there. */
  function commitTogether(group: Waiting[]): StatementResult[][] | undefined {
    try {
      control("begin immediate");
      const results = group.map(({ statements }) => statements.map(run));
      control("commit");
      return results;
    } catch {
      if (database.inTransaction) control("rollback");
      return undefined;
    }
  }

  /** Each batch in a savepoint of its own, so that a refused one costs its neighbours nothing. */
  function commitEach(group: Waiting[]): void {
    const answers: (() => void)[] = [];
    try {
      control("begin immediate");
      for (const batch of group) {
        const answer = runInSavepoint(batch);
        if (answer) answers.push(answer);
      }
      control("commit");
    } catch (error) {
      const fault = translateFault(error);
      for (const batch of group) batch.reject(fault); // a no-op for those already refused
      if (database.inTransaction) control("rollback");
      return;
    }
    for (const answer of answers) answer();
  }

  function runInSavepoint(batch: Waiting): (() => void) | undefined {
    control("savepoint batch");
    try {
      const results = batch.statements.map(run);
      control("release batch");
      return () => batch.resolve(results);
    } catch (error) {
      // A full disk ends the whole transaction, not just the savepoint; then there is nothing left to roll back to.
      if (!database.inTransaction) throw error;
      control("rollback to batch");
      control("release batch");
      batch.reject(translateFault(error));
      return undefined;
    }
  }

  function commitGroup(): void {
    scheduled = "no";
    clearTimeout(later);
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    // Refusals are rare, so savepoints are set only when the group has met one.
    const results = commitTogether(group);
    if (results) for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
    else commitEach(group);
    checkpoints.wrote(group.reduce((sum, { statements }) => sum + statements.length, 0));
  }

  function batch(
    statements: Statement[],
    { isPatient = false }: BatchOptions = {},
  ): Promise<StatementResult[]> {
    if (closed) return Promise.reject(new Error("the database is closed"));
    return new Promise((resolve, reject) => {
      waiting.push({ statements, resolve, reject });
      if (isPatient && scheduled === "no") {
        scheduled = "later";
        later = setTimeout(commitGroup, patienceMs);
      } else if (!isPatient && scheduled !== "now") {
        scheduled = "now";
        setImmediate(commitGroup);
      }
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
        return shapeRows(prepare(sql).statement.values(...params) as Row[], method);
      } catch (error) {
        throw translateFault(error);
      }
    },
    batch,
    async close() {
      if (closed) return;
      closed = true;
      commitGroup();
      await checkpoints.close();
      for (const { statement } of prepared.values()) statement.finalize();
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
