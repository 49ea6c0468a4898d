import { StorageUnavailable } from "../errors.ts";
import type { Outcome } from "./connection.ts";
import type { Statement } from "./transport.ts";
import { makeGroupWriter, readAnswer } from "./write-wire.ts";
import type { WriteOrder, Written } from "./write-worker.ts";

// The build bundles the worker as an entry point of its own, found by exactly this expression.
const openWriteWorker = () => new Worker(new URL("./write-worker.ts", import.meta.url), { smol: true });

const closeWithinMs = 10_000;

/** Commits in a thread of its own. */
export interface WriteThread {
  /** Told in their order. Batches that come while it commits share the next commit. */
  commit(batches: Statement[][], tell: (outcome: Outcome, index: number) => void): void;
  /** Done after the commits before it. */
  set(pragma: string): void;
  /** Commits what is under way and closes its connection. */
  close(): Promise<void>;
}

/** `onDeath`: the thread is gone, and what it had under way may or may not be on disk. */
export function startWriteThread(path: string, onDeath: () => void): WriteThread {
  const worker = openWriteWorker();
  const toMessage = makeGroupWriter();
  const underWay: { count: number; tell(outcome: Outcome, index: number): void }[] = [];
  const closed = Promise.withResolvers<void>();
  let isDead = false;
  const order = (what: WriteOrder) => worker.postMessage(what);

  worker.onmessage = ({ data }: MessageEvent<Written>) => {
    if (data === "closed") closed.resolve();
    else tellAll(readAnswer(data));
  };
  worker.onerror = ({ message }) => die(new Error(message));
  order({ open: path });

  /** An answer is that of one or more whole groups. */
  function tellAll(outcomes: Outcome[]): void {
    for (let at = 0; at < outcomes.length; ) {
      const { count, tell } = underWay.shift()!;
      for (let index = 0; index < count; index++) tell(outcomes[at + index]!, index);
      at += count;
    }
  }

  function die(cause: unknown): void {
    isDead = true;
    const fault = new StorageUnavailable("The database can't be written now", { cause });
    for (const { count, tell } of underWay.splice(0)) {
      for (let index = 0; index < count; index++) tell({ fault }, index);
    }
    closed.resolve();
    worker.terminate();
    onDeath();
  }

  return {
    commit(batches, tell) {
      underWay.push({ count: batches.length, tell });
      try {
        order(toMessage(batches));
      } catch (fault) {
        die(fault); // what can't be copied to a thread: neither side knows any more which texts the other has
      }
    },
    set: (pragma) => order({ pragma }),
    async close() {
      if (!isDead) order("close");
      const timer = setTimeout(closed.resolve, closeWithinMs);
      await closed.promise;
      clearTimeout(timer);
      worker.terminate();
    },
  };
}
