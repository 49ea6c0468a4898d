import { Database, type Statement as Prepared } from "bun:sqlite";
import { translateFault } from "./faults.ts";
import type { Row, SqlValue, Statement, StatementResult } from "./transport.ts";

/** What became of one batch of a group. */
export type Outcome = { results: StatementResult[] } | { fault: unknown };

/** One connection to a SQLite file: in the main thread it reads, and one of all of them writes. */
export interface Connection {
  /** For `select`, `explain` and `pragma`. */
  read(sql: string, params: SqlValue[]): Row[];
  /**
   * Batches in one transaction and one fsync, in their order; a refused batch costs its neighbours nothing (D4). What a
   * fault means is said already (`translateFault`). Never throws.
   */
  commit(batches: Statement[][]): Outcome[];
  /** A setting that is a command rather than a question; what it answers is nobody's. */
  set(pragma: string): void;
  close(): void;
}

interface Kept {
  statement: Prepared;
  givesRows: boolean;
}

/** Statements seen once too often to keep: built text (long `in` lists) would otherwise grow the cache for ever. */
const maxPrepared = 500;

/** Opens a SQLite file, or makes it. `path` may be `:memory:` for tools. */
export function openConnection(path: string): Connection {
  const database = openDatabase(path);
  const prepared = new Map<string, Kept>();

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
  function commitTogether(batches: Statement[][]): Outcome[] | undefined {
    try {
      control("begin immediate");
      const outcomes = batches.map((statements) => ({ results: statements.map(run) }));
      control("commit");
      return outcomes;
    } catch {
      if (database.inTransaction) control("rollback");
      return undefined;
    }
  }

  /** Each batch in a savepoint of its own, so that a refused one costs its neighbours nothing. */
  function commitEach(batches: Statement[][]): Outcome[] {
    const outcomes: Outcome[] = [];
    try {
      control("begin immediate");
      for (const statements of batches) outcomes.push(runInSavepoint(statements));
      control("commit");
      return outcomes;
    } catch (error) {
      if (database.inTransaction) control("rollback");
      const fault = translateFault(error);
      // Those that were refused before keep their reason.
      return batches.map((_, index) => {
        const outcome = outcomes[index];
        return outcome && "fault" in outcome ? outcome : { fault };
      });
    }
  }

  function runInSavepoint(statements: Statement[]): Outcome {
    control("savepoint batch");
    try {
      const results = statements.map(run);
      control("release batch");
      return { results };
    } catch (error) {
      // A full disk ends the whole transaction, not just the savepoint; then there is nothing left to roll back to.
      if (!database.inTransaction) throw error;
      control("rollback to batch");
      control("release batch");
      return { fault: translateFault(error) };
    }
  }

  return {
    read(sql, params) {
      try {
        return prepare(sql).statement.values(...params) as Row[];
      } catch (error) {
        throw translateFault(error);
      }
    },
    // Refusals are rare, so savepoints are set only when a group has met one.
    commit: (batches) => commitTogether(batches) ?? commitEach(batches),
    set: (pragma) => void database.run(`pragma ${pragma}`),
    close() {
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
    database.run("pragma cache_size = -8192"); // KiB
    return database;
  } catch (error) {
    throw translateFault(error);
  }
}
