import { afterAll } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nobodysPassword } from "../../src/accounts/password.ts";
import type { User } from "../../src/accounts/schema.ts";
import { insertMembership, insertTeam, insertUser } from "../../src/accounts/store.ts";
import { type App, atomically } from "../../src/app.ts";
import { fileBlobs } from "../../src/blobs/files.ts";
import { dataPaths, loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { openEmbedded } from "../../src/db/embedded.ts";
import { migrateUp } from "../../src/db/migrate.ts";
import { openDb } from "../../src/db/open.ts";
import type { Transport } from "../../src/db/transport.ts";
import { type HttpClientOptions, makeHttpClient } from "../../src/http/client.ts";
import { newId } from "../../src/ids.ts";
import { createKey } from "../../src/keys/service.ts";
import { makeLogger } from "../../src/log.ts";
import { makeSealer } from "../../src/secrets.ts";
import { startThreads } from "../../src/threads/threads.ts";
import { type DnsTable, dnsTable } from "./dns-table.ts";
import { dbOfTests, guardPlans, isFromTest } from "./query-plans.ts";

export interface TestClock {
  now(): Date;
  set(to: Date): void;
  advance(ms: number): void;
}

/** An `App` on real parts in a folder of its own; only the clock, DNS and randomness are the test's. */
export interface TestApp extends App, AsyncDisposable {
  clock: TestClock;
  dns: DnsTable;
  /** The data folder. */
  folder: string;
  close(): Promise<void>;
}

export interface TestAppOptions {
  config?: DeepPartial<Config>;
  dns?: DnsTable;
  /** Whom HTTPS trusts and where its ports lead, as `startHttpsHost` has them. */
  http?: Pick<HttpClientOptions, "ca" | "ports">;
  /** Where the clock stands until the test moves it. */
  now?: Date;
  /** Another database, migrated already, which stays the caller's; otherwise a SQLite file. */
  transport?: Transport;
  sandbox?: boolean;
}

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/**
 * Makes an app for one test, or for a whole file when called at its top: it is closed and its folder removed when the
 * test or the file ends. Not for `beforeAll`, whose end would already close it; `await using` closes it sooner.
 */
export async function testApp(options: TestAppOptions = {}): Promise<TestApp> {
  const folder = await mkdtemp(join(tmpdir(), "mailit-test-"));
  const config = merge(await defaultConfig(folder), options.config);
  const paths = dataPaths(config);
  if (!options.transport) await writeFile(paths.database, await migratedDatabase());
  const transport = guardPlans(options.transport ?? openEmbedded(paths.database));
  const db = openDb(transport);
  const testsDb = dbOfTests(transport);
  const log = makeLogger("silent", "json");
  const threads = startThreads({ count: 2, log });
  const clock = makeClock(options.now ?? new Date("2026-03-01T12:00:00Z"));

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      await threads.close();
      if (!options.transport) await transport.close();
      await rm(folder, { recursive: true, force: true });
      transport.verifyPlans();
    })();
    return closing;
  };
  afterAll(close);

  const app: TestApp = {
    config,
    transport,
    // Drizzle runs a query when it is awaited, and who asked is no longer known then: it is known here.
    get db() {
      return isFromTest() ? testsDb : db;
    },
    log,
    blobs: fileBlobs(paths.blobs),
    threads,
    secrets: makeSealer("5e".repeat(32)),
    dns: options.dns ?? dnsTable(),
    trustedCa: options.http?.ca,
    http: makeHttpClient({
      dns: () => app.dns,
      allowPrivateAddresses: () => app.config.webhooks.allowPrivateAddresses,
      ...options.http,
    }),
    now: clock.now,
    random: seededRandom(1),
    sandbox: options.sandbox ?? false,
    jobsDue: { notify() {} },
    acting: new AsyncLocalStorage(),
    clock,
    folder,
    close,
    [Symbol.asyncDispose]: close,
  };
  return app;
}

export interface TestTeam {
  teamId: string;
  userId: string;
  email: string;
  /** The owner, as the database has them. */
  user: User;
  /** The token of a key with full access. */
  key: string;
  keyId: string;
  /** What a request with that key carries. */
  headers: { authorization: string };
}

/** A team with one owner, who has no password to log in with, and one key with full access. */
export async function testTeam(app: App, name = "Test team"): Promise<TestTeam> {
  const teamId = newId();
  const userId = newId();
  const email = `owner-${randomBytes(6).toString("hex")}@example.com`;
  const createdAt = app.now();
  const user = {
    id: userId,
    email,
    name: "Owner",
    passwordHash: nobodysPassword,
    disabledAt: null,
    createdAt,
  };
  await atomically(app, [
    insertTeam(app.db, { id: teamId, name, createdAt }),
    insertUser(app.db, user),
    insertMembership(app.db, { teamId, userId, role: "owner", createdAt }),
  ]);
  const { id: keyId, token: key } = await createKey(app, teamId, { name: "test", permission: "full_access" });
  return { teamId, userId, email, user, key, keyId, headers: { authorization: `Bearer ${key}` } };
}

async function defaultConfig(folder: string): Promise<Config> {
  const config = await loadConfig({ env: {}, cwd: folder, dataDir: folder, sandbox: false, isRoot: false });
  return merge(config, {
    server: { httpAddr: "127.0.0.1:0", publicUrl: "http://mailit.test" },
    smtpOutbound: { hostname: "mail.mailit.test" },
    smtpInbound: { addr: "127.0.0.1:0" },
    smtpSubmission: { addr: "127.0.0.1:0", tlsAddr: "127.0.0.1:0" },
  });
}

function merge<T extends object>(base: T, changes: NoInfer<DeepPartial<T>> | undefined): T {
  const merged: Record<string, unknown> = { ...(base as Record<string, unknown>) };
  for (const [name, change] of Object.entries(changes ?? {})) {
    merged[name] = isGroup(change) && isGroup(merged[name]) ? merge(merged[name], change) : change;
  }
  return merged as T;
}

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

let template: Promise<Uint8Array> | undefined;

/** An empty database in today's shape, made once a process: to copy a file is cheaper than to migrate. */
function migratedDatabase(): Promise<Uint8Array> {
  template ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), "mailit-test-"));
    const path = join(folder, "mailit.db");
    const transport = openEmbedded(path);
    await migrateUp(transport, new Date("2026-01-01T00:00:00Z"));
    await transport.close(); // the last one to close folds the write-ahead log into the file
    const bytes = await readFile(path);
    await rm(folder, { recursive: true, force: true });
    return bytes;
  })();
  return template;
}

function makeClock(start: Date): TestClock {
  let at = start.getTime();
  return {
    now: () => new Date(at),
    set: (to) => {
      at = to.getTime();
    },
    advance: (ms) => {
      at += ms;
    },
  };
}

/** Mulberry32: the same numbers in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
