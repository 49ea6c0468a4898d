import { type Checkpoints, startCheckpoints } from "./checkpoints.ts";
import { type Outcome, openConnection } from "./connection.ts";
import {
  type BatchOptions,
  isRead,
  type Method,
  type SqlValue,
  type Statement,
  type StatementResult,
  shapeRows,
  type Transport,
} from "./transport.ts";
import { startWriteThread, type WriteThread } from "./write-thread.ts";

interface Waiting {
  statements: Statement[];
  resolve(results: StatementResult[]): void;
  reject(error: unknown): void;
}

/** How long a patient batch waits for others to share its commit. */
const patienceMs = 4;
/**
 * So many statements go to the thread while more come: some fifteen emails. A commit rewrites the last page of every table
 * and index, whether for one row or for thirty.
 */
const worthSending = 128;
/** Pages of the log after which SQLite makes a checkpoint in the middle of a commit: 16 MB, as long as little is written. */
const pagesOnCommit = 4_000;
/** The same while a thread makes them: reached only where the thread does not come after. */
const pagesAtMost = 100_000;

export interface EmbeddedOptions {
  /** From so many statements in a second on, threads write and make checkpoints. */
  busyStatements?: number;
}

/**
 * SQLite in this process. Batches that arrive in one turn of the event loop share one transaction and one fsync, and a
 * refused batch costs its neighbours nothing (D4). Once much is written, a thread writes and another makes checkpoints;
 * reads stay here. On a quiet server both would only cost memory, and a commit would wait for a thread to wake.
 * `path` may be `:memory:` for tools.
 */
export function openEmbedded(path: string, { busyStatements = 4_000 }: EmbeddedOptions = {}): Transport {
  const connection = openConnection(path);
  connection.set(`wal_autocheckpoint = ${pagesOnCommit}`);
  const pace = makePace(busyStatements);
  let mayHaveThreads = path !== ":memory:"; // which only one connection sees
  let thread: WriteThread | undefined;
  let checkpoints: Checkpoints | undefined;
  let waiting: Waiting[] = [];
  let waitingStatements = 0;
  let scheduled: "no" | "later" | "now" = "no";
  let hasGrown = false;
  let later: ReturnType<typeof setTimeout> | undefined;
  let closed = false;

  function startThreads(): void {
    mayHaveThreads = false; // once: where one died, another would die too
    thread = startWriteThread(path, () => {
      thread = undefined;
    });
    thread.set(`wal_autocheckpoint = ${pagesAtMost}`);
    checkpoints = startCheckpoints(path, {
      endLog: () => thread?.set("wal_checkpoint(passive)"),
      onDeath: () => thread?.set(`wal_autocheckpoint = ${pagesOnCommit}`),
    });
  }

  function commitGroup(): void {
    scheduled = "no";
    clearTimeout(later);
    if (waiting.length === 0) return;
    const group = waiting;
    const statements = waitingStatements;
    waiting = [];
    waitingStatements = 0;
    const batches = group.map((each) => each.statements);
    const tell = (outcome: Outcome, index: number) => answer(group[index]!, outcome);
    if (thread) thread.commit(batches, tell);
    else connection.commit(batches).forEach(tell);
    if (mayHaveThreads && pace.isBusy(statements)) startThreads();
    checkpoints?.wrote(statements);
  }

  function batch(
    statements: Statement[],
    { isPatient = false }: BatchOptions = {},
  ): Promise<StatementResult[]> {
    if (closed) return Promise.reject(new Error("the database is closed"));
    return new Promise((resolve, reject) => {
      waiting.push({ statements, resolve, reject });
      waitingStatements += statements.length;
      if (thread && waitingStatements >= worthSending) {
        commitGroup();
      } else if (isPatient && scheduled === "no") {
        scheduled = "later";
        later = setTimeout(commitGroup, patienceMs);
      } else if (!isPatient && scheduled !== "now") {
        scheduled = "now";
        setImmediate(endTurn);
      }
      hasGrown = true;
    });
  }

  /** A thread is given what comes in turns that follow one another; this thread, busy itself, what came in one. */
  function endTurn(): void {
    if (scheduled !== "now") return; // it has gone already
    if (thread && hasGrown) {
      hasGrown = false;
      setImmediate(endTurn);
    } else {
      commitGroup();
    }
  }

  return {
    async query(sql: string, params: SqlValue[], method: Method) {
      if (!isRead(sql)) {
        const [result] = await batch([{ sql, params }]);
        return shapeRows(result!.rows, method);
      }
      if (closed) throw new Error("the database is closed");
      return shapeRows(connection.read(sql, params), method);
    },
    batch,
    async close() {
      if (closed) return;
      closed = true;
      commitGroup();
      await thread?.close();
      await checkpoints?.close();
      connection.close();
    },
  };
}

function answer({ resolve, reject }: Waiting, outcome: Outcome): void {
  if ("fault" in outcome) reject(outcome.fault);
  else resolve(outcome.results);
}

/** Whether the last second saw so many statements. */
function makePace(busyStatements: number) {
  let secondBegan = 0;
  let inSecond = 0;
  return {
    isBusy(statements: number): boolean {
      const now = performance.now();
      if (now - secondBegan >= 1_000) {
        secondBegan = now;
        inSecond = 0;
      }
      inSecond += statements;
      return inSecond >= busyStatements;
    },
  };
}
