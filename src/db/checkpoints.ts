import type { Database } from "bun:sqlite";
import type { Checkpointed, CheckpointOrder } from "./checkpoint-worker.ts";

/** Pages of the log after which SQLite makes a checkpoint in the middle of a commit: 16 MB, as long as little is written. */
const pagesOnCommit = 4_000;
/** The same while a thread makes them: reached only where the thread does not come after. */
const pagesAtMost = 100_000;
/** From so many statements in a second on, a thread makes the checkpoints. */
const busyStatements = 4_000;
/** How many statements may be written before the thread looks again. */
const statementsBetween = 4_000;
/** From then on, 128 MB, the log is to begin anew: what is left of it is moved between two commits, which take no part meanwhile. */
const pagesWorthEnding = 32_000;
const closeWithinMs = 5_000;

// The build bundles the worker as an entry point of its own, found by exactly this expression.
const openCheckpointWorker = () => new Worker(new URL("./checkpoint-worker.ts", import.meta.url));

export interface Checkpoints {
  /** Told after every commit how many statements it had. */
  wrote(statements: number): void;
  /** Before the database itself is closed: whoever closes it last folds the log into it. */
  close(): Promise<void>;
}

/**
 * Keeps checkpoints out of the way of commits. To move thousands of pages and wait for the disk takes tens of
 * milliseconds in which nothing else happens; a thread with a connection of its own does it beside the writes
 * (https://sqlite.org/wal.html §2.2 and §3.1). It is started when much is written for the first time: on a quiet server
 * SQLite's own checkpoints are too small to be noticed, and the thread would only cost memory.
 */
export function startCheckpoints(path: string, database: Database): Checkpoints {
  let worker: Worker | undefined;
  let isOver = path === ":memory:"; // seen by one connection only
  let isUnderWay = false;
  let secondBegan = 0;
  let inSecond = 0;
  let sinceLast = 0;
  database.run(`pragma wal_autocheckpoint = ${pagesOnCommit}`);

  const order = (what: CheckpointOrder) => worker?.postMessage(what);

  function start(): void {
    worker = openCheckpointWorker();
    worker.onmessage = ({ data }: MessageEvent<Checkpointed | "closed">) => {
      isUnderWay = false;
      if (data !== "closed" && !isOver) beginAnew(data);
    };
    worker.onerror = giveUp;
    order({ open: path });
    database.run(`pragma wal_autocheckpoint = ${pagesAtMost}`);
  }

  /** A thread never gets to the end of a log that grows; without its end the log can't begin anew. */
  function beginAnew({ pages, moved }: Checkpointed): void {
    if (pages < pagesWorthEnding || moved <= pages / 2) return;
    try {
      database.run("pragma wal_checkpoint(passive)");
    } catch {
      // A full disk is the next commit's to tell of; nothing is lost while the log has it.
    }
  }

  /** Without the thread all is as on a quiet server. */
  function giveUp(): void {
    if (isOver) return;
    isOver = true;
    worker?.terminate();
    worker = undefined;
    database.run(`pragma wal_autocheckpoint = ${pagesOnCommit}`);
  }

  function isBusy(statements: number): boolean {
    const now = performance.now();
    if (now - secondBegan >= 1_000) {
      secondBegan = now;
      inSecond = 0;
    }
    inSecond += statements;
    return inSecond >= busyStatements;
  }

  return {
    wrote(statements) {
      if (isOver) return;
      if (!worker && !isBusy(statements)) return;
      if (!worker) start();
      sinceLast += statements;
      if (isUnderWay || sinceLast < statementsBetween) return;
      sinceLast = 0;
      isUnderWay = true;
      order("checkpoint");
    },
    async close() {
      isOver = true;
      if (!worker) return;
      const closing = worker;
      const closed = Promise.withResolvers<void>();
      closing.onmessage = ({ data }: MessageEvent<Checkpointed | "closed">) => {
        if (data === "closed") closed.resolve();
      };
      closing.onerror = () => closed.resolve();
      const timer = setTimeout(closed.resolve, closeWithinMs);
      order("close");
      await closed.promise;
      clearTimeout(timer);
      closing.terminate();
    },
  };
}
