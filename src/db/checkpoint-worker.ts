/** The thread that moves the write-ahead log into the database, by a connection of its own. */
import { Database } from "bun:sqlite";

declare const self: Worker;

/** The path of the database to open, a checkpoint to make, or the end. */
export type CheckpointOrder = { open: string } | "checkpoint" | "close";

/** How many pages the log holds, and how many of them are in the database by now. */
export interface Checkpointed {
  pages: number;
  moved: number;
}

let database: Database | undefined;

self.onmessage = ({ data }: MessageEvent<CheckpointOrder>) => {
  if (typeof data === "object") {
    database = new Database(data.open);
    database.run("pragma synchronous = full"); // the log is on disk before the database has its pages, and they before it begins anew
    return;
  }
  if (data === "close") {
    database?.close(true);
    self.postMessage("closed");
    return;
  }
  // Passive: waits for nobody, and nobody waits for it.
  const [row] = database!.query<unknown, []>("pragma wal_checkpoint(passive)").values() as number[][];
  const [, pages = 0, moved = 0] = row!;
  self.postMessage({ pages, moved } satisfies Checkpointed);
};
