import type { Checkpointed, CheckpointOrder } from "./checkpoint-worker.ts";

/**
 * How many statements may be written before the thread looks again: some 40 MB of log. A page that was written several
 * times meanwhile is moved once.
 */
const statementsBetween = 16_000;
/** From then on, 128 MB, the log is to begin anew: what is left of it is moved between two commits, which take no part meanwhile. */
const pagesWorthEnding = 32_000;
const closeWithinMs = 5_000;

// The build bundles the worker as an entry point of its own, found by exactly this expression.
const openCheckpointWorker = () =>
  new Worker(new URL("./checkpoint-worker.ts", import.meta.url), { smol: true });

export interface Checkpoints {
  /** Told after every commit how many statements it had. */
  wrote(statements: number): void;
  /** Before the database itself is closed: whoever closes it last folds the log into it. */
  close(): Promise<void>;
}

export interface CheckpointsOptions {
  /** Makes a checkpoint between two commits: a thread beside them never gets to the end of a log that grows, and without its end the log can't begin anew. */
  endLog(): void;
  /** The thread is gone: SQLite has to make the checkpoints itself. */
  onDeath(): void;
}

/**
 * Keeps checkpoints out of the way of commits. To move thousands of pages and wait for the disk takes tens of
 * milliseconds in which nothing else happens; a thread with a connection of its own does it beside the writes
 * (https://sqlite.org/wal.html §2.2 and §3.1).
 */
export function startCheckpoints(path: string, { endLog, onDeath }: CheckpointsOptions): Checkpoints {
  const worker = openCheckpointWorker();
  const closed = Promise.withResolvers<void>();
  let isOver = false;
  let isUnderWay = false;
  let sinceLast = 0;

  const order = (what: CheckpointOrder) => worker.postMessage(what);

  worker.onmessage = ({ data }: MessageEvent<Checkpointed | "closed">) => {
    isUnderWay = false;
    if (data === "closed") closed.resolve();
    else if (!isOver && data.pages >= pagesWorthEnding && data.moved > data.pages / 2) endLog();
  };
  worker.onerror = () => {
    closed.resolve();
    if (isOver) return;
    isOver = true;
    worker.terminate();
    onDeath();
  };
  order({ open: path });

  return {
    wrote(statements) {
      if (isOver) return;
      sinceLast += statements;
      if (isUnderWay || sinceLast < statementsBetween) return;
      sinceLast = 0;
      isUnderWay = true;
      order("checkpoint");
    },
    async close() {
      if (isOver) return;
      isOver = true;
      const timer = setTimeout(closed.resolve, closeWithinMs);
      order("close");
      await closed.promise;
      clearTimeout(timer);
      worker.terminate();
    },
  };
}
