import type { AsyncLocalStorage } from "node:async_hooks";
import type { BlobStore } from "./blobs/store.ts";
import type { Config } from "./config/schema.ts";
import type { Db } from "./db/open.ts";
import type { BatchOptions, StatementResult, Transport } from "./db/transport.ts";
import { toStatement, type Write } from "./db/write.ts";
import type { Resolver } from "./dns/resolver.ts";
import { Refusal } from "./errors.ts";
import type { HttpClient } from "./http/client.ts";
import type { Logger } from "./log.ts";

import { atLeast, type Role } from "./roles.ts";
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
  /**
   * Who acts, while a person's request is handled; nobody for keys, jobs and commands. It goes with the asynchronous
   * call and not with a record of its own, because what modules remember hangs on this record.
   */
  acting: AsyncLocalStorage<Visitor>;
}

/** Whoever a request of the admin comes from. */
export interface Visitor {
  /** Absent until they are known. */
  role?: Role;
  /** What the next batch of theirs is to leave in the audit log, in that batch. */
  trace?: Write;
}

/** Refuses what a person's role does not include. Services ask it, so that every door is held to the same. */
export function requireRole(app: Partial<Pick<App, "acting">>, least: Role): void {
  const role = app.acting?.getStore()?.role;
  if (role === undefined || atLeast(role, least)) return;
  throw new Refusal(
    "not_permitted",
    `Your role in this team is ${role}, and this takes ${least}: ask an owner${least === "owner" ? "" : " or admin"} of the team.`,
  );
}

type Committing = Pick<App, "transport" | "jobsDue">;

/** Where a commit leaves word of new jobs and the dispatcher listens. */
export interface JobsDue {
  notify(at: Date): void;
}

/** Runs the writes as one batch: all or none, and on disk when it returns. Results in the order of the writes. */
export async function atomically(
  app: Committing & Partial<Pick<App, "acting">>,
  writes: Write[],
  options?: BatchOptions,
): Promise<StatementResult[]> {
  if (writes.length === 0) return [];
  const visitor = app.acting?.getStore();
  if (visitor) return traced(app, visitor, writes, options);
  return commit(app, writes, options);
}

/** Who may only look changes nothing, whatever they ask for; what anybody else changes is in the audit log with it. */
async function traced(
  app: Committing & Partial<Pick<App, "acting">>,
  visitor: Visitor,
  writes: Write[],
  options: BatchOptions | undefined,
): Promise<StatementResult[]> {
  requireRole(app, "developer");
  const { trace } = visitor;
  visitor.trace = undefined; // one act may take several batches, and is one act
  if (!trace) return commit(app, writes, options);
  try {
    return (await commit(app, [...writes, trace], options)).slice(0, writes.length);
  } catch (error) {
    visitor.trace = trace;
    throw error;
  }
}

/** Leaves in the audit log what changes no row but opens something: a secret that is shown, a link that is made. */
export async function leaveTrace(app: Committing & Partial<Pick<App, "acting">>): Promise<void> {
  const visitor = app.acting?.getStore();
  if (!visitor?.trace) return;
  const { trace } = visitor;
  visitor.trace = undefined;
  await atomically(app, [trace]);
}

async function commit(
  app: Committing,
  writes: Write[],
  options: BatchOptions | undefined,
): Promise<StatementResult[]> {
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
