import { describe, onTestFinished } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedOptions, openEmbedded } from "../../src/db/embedded.ts";
import { openLibsql } from "../../src/db/libsql.ts";
import { migrateUp } from "../../src/db/migrate.ts";
import type { Transport } from "../../src/db/transport.ts";
import { startHranaServer } from "./hrana-server.ts";
import { type GuardedTransport, guardPlans } from "./query-plans.ts";

export interface Opened {
  /** Another transport to the database that this test opened: a second node. */
  another(): Transport;
}

/** A database of the test's own with all migrations applied, or `empty`. Closed and removed after the test. */
export type Open = (options?: { empty?: boolean }) => Promise<GuardedTransport & Opened>;

/**
 * Declares the same tests for each transport: embedded, libSQL on the server of `hrana-server.ts`, and libSQL on the
 * real server that MAILIT_TEST_LIBSQL_URL names, where there is one. Everything in that server's database is dropped.
 */
export function eachTransport(
  declare: (name: string, open: Open) => void,
  /** Also the embedded one whose writes are in a thread from the second on; what stores do is the same there. */
  { withThread = false } = {},
): void {
  const servers: [string, () => Promise<() => Transport>][] = [
    ["embedded", () => startEmbedded()],
    ["libsql", startLibsql],
  ];
  if (withThread) servers.push(["embedded with a thread", () => startEmbedded({ busyStatements: 0 })]);
  const real = process.env.MAILIT_TEST_LIBSQL_URL;
  if (real) servers.push(["libsql server", () => emptyRealServer(real)]);
  for (const [name, start] of servers) {
    describe(name, () => declare(name, (options) => openOn(start, options?.empty === true)));
  }
}

const cleanUps: (() => Promise<void> | void)[] = [];

/** Runs after the test that calls it, last come first: a transport closes before its server stops. */
function afterwards(cleanUp: () => Promise<void> | void): void {
  // Not `afterEach`: this module is loaded once for all test files and its hooks would belong to the first.
  if (cleanUps.length === 0) {
    onTestFinished(async () => {
      try {
        for (let next = cleanUps.pop(); next; next = cleanUps.pop()) await next();
      } finally {
        cleanUps.length = 0; // one that throws must not leave the others to the next test
      }
    });
  }
  cleanUps.push(cleanUp);
}

/** A folder of the test's own, removed after it. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mailit-test-"));
  afterwards(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Closes the transport after the test. */
export function closedAfterwards<T extends Transport>(transport: T): T {
  afterwards(() => transport.close());
  return transport;
}

/** A libSQL server of the test's own, stopped after it. */
export async function temporaryHranaServer(
  options?: Parameters<typeof startHranaServer>[0],
): Promise<string> {
  const server = await startHranaServer(options);
  afterwards(() => server.close());
  return server.url;
}

async function openOn(
  start: () => Promise<() => Transport>,
  empty: boolean,
): Promise<GuardedTransport & Opened> {
  const connect = await start();
  const another = () => closedAfterwards(connect());
  const transport = another();
  if (!empty) await migrateUp(transport, new Date("2026-01-01T00:00:00Z"));
  const guarded = guardPlans(transport);
  afterwards(() => guarded.verifyPlans());
  return { ...guarded, another };
}

async function startEmbedded(options?: EmbeddedOptions): Promise<() => Transport> {
  const folder = temporaryFolder();
  return () => openEmbedded(join(folder, "mailit.db"), options);
}

async function startLibsql(): Promise<() => Transport> {
  const url = await temporaryHranaServer();
  return () => openLibsql({ url });
}

async function emptyRealServer(url: string): Promise<() => Transport> {
  const connect = () => openLibsql({ url, authToken: process.env.MAILIT_TEST_LIBSQL_TOKEN });
  const transport = connect();
  const { rows } = await transport.query(
    "select type, name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite_%' and name not like '_litestream%' and name not like 'libsql_%' order by rowid desc",
    [],
    "values",
  );
  // Newest first, since a table that refers to another was made after it.
  const drops = (rows as string[][]).map(([type, name]) => ({ sql: `drop ${type} "${name}"`, params: [] }));
  await transport.batch(drops);
  await transport.close();
  return connect;
}
