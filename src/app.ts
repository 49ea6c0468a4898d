import type { BlobStore } from "./blobs/store.ts";
import type { Config } from "./config/schema.ts";
import type { Db } from "./db/open.ts";
import type { BatchOptions, StatementResult, Transport } from "./db/transport.ts";
import { toStatement, type Write } from "./db/write.ts";
import type { Resolver } from "./dns/resolver.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";
import type { Sealer } from "./secrets.ts";
import type { Threads } from "./threads/threads.ts";

/**
 * Everything a room needs, as a plain record: made by `openApp` when the program runs and by `testApp` in tests. What
 * is outside the program (time, DNS, randomness) is here and nowhere else, so that tests replace exactly these (D15).
 */
export interface App {
  config: Config;
  transport: Transport;
  db: Db;
  log: Logger;
  blobs: BlobStore;
  threads: Threads;
  secrets: Sealer;
  dns: Resolver;
  /** Authorities (PEM) whose certificates are valid; those the system trusts when absent. */
  trustedCa?: string;
  /** For every URL that comes from outside (D14). */
  http: HttpClient;
  now(): Date;
  /** A number from 0 up to 1, for jitter and shuffles; secrets come from `crypto`. */
  random(): number;
  /** Whether mail goes to the sandbox's own server and domains verify without DNS (D11). */
  sandbox: boolean;
  /** Told after a commit when the earliest job in it is due; the dispatcher sets it. */
  jobsDue: JobsDue;
}

/** Where a commit leaves word of new jobs and the dispatcher listens. */
export interface JobsDue {
  notify(at: Date): void;
}

/** Runs the writes as one batch: all or none, and on disk when it returns. Results in the order of the writes. */
export async function atomically(
  app: Pick<App, "transport" | "jobsDue">,
  writes: Write[],
  options?: BatchOptions,
): Promise<StatementResult[]> {
  if (writes.length === 0) return [];
  const results = await app.transport.batch(writes.map(toStatement), options);
  let earliest: Date | undefined;
  for (let index = 0; index < writes.length; index++) {
    const { dueAt, storesJob } = writes[index]!;
    if (!dueAt || (earliest && dueAt >= earliest)) continue;
    if (storesJob === undefined || storesJob(results[index]!)) earliest = dueAt;
  }
  if (earliest) app.jobsDue.notify(earliest);
  return results;
}
