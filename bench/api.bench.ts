/**
 * The JSON door of the compiled executable, with request logs, idempotency keys and rate limits on: `POST /emails` (one
 * recipient, 2 KB, over 64 kept connections), `POST /emails/batch` of 100, and, once there are a million emails, every
 * list and what one asks of an email. The emails are due in an hour, so that it is accepting that is measured and not
 * delivering beside it.
 */
import { Database } from "bun:sqlite";
import { randomUUID } from "node:crypto";
import { cpus } from "node:os";
import { startMailit } from "../test/e2e/mailit.ts";
import { startBench } from "./account.ts";
import { fill } from "./fill.ts";
import { getRequest, jsonRequest, type LoadResult, load } from "./load.ts";
import { type Figure, report } from "./report.ts";

const requests = Number(process.env.BENCH_REQUESTS ?? 40_000);
const batches = Number(process.env.BENCH_BATCHES ?? 600);
const emails = Number(process.env.BENCH_EMAILS ?? 1_000_000);
const perBatch = 100;
const env = { MAILIT_RATE_LIMIT_ENABLED: "true", MAILIT_RATE_LIMIT_REQUESTS_PER_SECOND: "1000000" };

const { folder, key, mailit } = await startBench({ env });
const filler = "Lorem ipsum dolor sit amet. ".repeat(70);
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
const scheduledAt = inAnHour();
const email = (n: number) => ({
  from: "Bench <bench@example.com>",
  to: `user${n}@domain${n % 500}.test`,
  subject: `Message ${n}`,
  html: `<p>Hello ${n}</p><p>${filler}</p>`,
  scheduled_at: scheduledAt,
});
const post = (path: string, body: unknown) =>
  jsonRequest(path, key, body, { "idempotency-key": randomUUID() }); // the worst of keys for an index: without any order

const port = Number(new URL(mailit.url).port);
const single = (count: number) =>
  load({ port, connections: 64, requests: count, request: (n) => post("/emails", email(n)) });
const batch = (count: number) => {
  const bodies = Array.from({ length: 8 }, (_, each) =>
    Array.from({ length: perBatch }, (_, n) => email(each * perBatch + n)),
  );
  const request = (n: number) => post("/emails/batch", bodies[n % bodies.length]);
  return load({ port, connections: 8, requests: count, request });
};

// A server that has been running: its code is compiled.
const warmUp = 20_000;
await single(warmUp);
await batch(40);
const accepted = await single(requests);
const withoutKeys = await load({
  port,
  connections: 64,
  requests,
  request: (n) => jsonRequest("/emails", key, email(n)),
});
const inBatches = await batch(batches);
const health = Buffer.from("GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n");
const bare = await load({ port, connections: 64, requests, request: () => health });
await mailit.stop();
mustHave(warmUp + 2 * requests + (40 + batches) * perBatch, [accepted, withoutKeys, inBatches]);

const { sample } = fill(`${folder}/data/mailit.db`, emails);
const startedAt = performance.now();
const later = await startMailit({ folder, env: { MAILIT_LOGGING_LEVEL: "warn", ...env } });
while (!(await fetch(`${later.url}/healthz`).catch(() => undefined))?.ok) await Bun.sleep(1);
const startMs = performance.now() - startedAt;
const reads = await readEverything(Number(new URL(later.url).port));
await later.stop();

report([
  {
    what: "POST /emails, one recipient, 2 KB, 64 connections",
    value: accepted.requestsPerSecond,
    unit: "req/s",
    budget: { atLeast: 8_000 },
  },
  { what: "  p99", value: accepted.p99Ms, unit: "ms", budget: { atMost: 50 } },
  { what: "  the same without idempotency keys", value: withoutKeys.requestsPerSecond, unit: "req/s" },
  {
    what: "POST /emails/batch of 100, 8 connections",
    value: inBatches.requestsPerSecond * perBatch,
    unit: "emails/s",
    budget: { atLeast: 15_000 },
  },
  { what: "raw limit: GET /healthz over 64 connections", value: bare.requestsPerSecond, unit: "req/s" },
  {
    what: "raw limit: the rows of an email, one fsync for 64, no HTTP",
    value: rawWrites(folder),
    unit: "emails/s",
    note: `${cpus().length} cores, the client among them`,
  },
  ...reads,
  {
    what: `start to /healthz with ${emails.toLocaleString("en")} emails`,
    value: startMs,
    unit: "ms",
    budget: { atMost: 300 },
  },
]);

/** Lists from both ends and from the middle, and single things; one at a time, so that it is each one's own time. */
async function readEverything(at: number): Promise<Figure[]> {
  const middle = sample[Math.floor(sample.length / 2)]!;
  const month = 30 * 86_400_000;
  const since = new Date(Date.now() - month).toISOString();
  const paths: [string, (n: number) => string][] = [
    ["GET /emails", () => "/emails"],
    ["GET /emails?limit=100, from the middle", () => `/emails?limit=100&after=${middle}`],
    ["GET /emails?limit=100, just before the middle", () => `/emails?limit=100&before=${middle}`],
    ["GET /emails/{id}", (n) => `/emails/${sample[n % sample.length]}`],
    ["GET /emails/{id}/deliveries", (n) => `/emails/${sample[n % sample.length]}/deliveries`],
    ["GET /emails/{id}/attachments", (n) => `/emails/${sample[n % sample.length]}/attachments`],
    ["GET /emails/metrics, a week by day", () => "/emails/metrics?dimensions=period"],
    [
      "GET /emails/metrics, a month by hour and domain",
      () => `/emails/metrics?dimensions=period,domain&granularity=hourly&start_date=${since}`,
    ],
    ["GET /domains", () => "/domains"],
    ["GET /api-keys", () => "/api-keys"],
    ["GET /suppressions?limit=100 of 100,000", () => "/suppressions?limit=100"],
    ["GET /suppressions?origin=manual, of which there are none", () => "/suppressions?origin=manual"],
    ["GET /suppressions/{email}", (n) => `/suppressions/user${n * 10}@domain${(n * 10) % 500}.test`],
    ["GET /logs?limit=100 of a million", () => "/logs?limit=100"],
    ["GET /logs?status=error", () => "/logs?status=error"],
    ["GET /logs?method=DELETE, of which there are none", () => "/logs?method=DELETE"],
    ["GET /queue/lanes", () => "/queue/lanes"],
  ];
  const figures: Figure[] = [];
  for (const [what, path] of paths) {
    const run = (count: number) =>
      load({ port: at, connections: 1, requests: count, request: (n) => getRequest(path(n), key) });
    await run(5);
    const { p99Ms, p50Ms, failures } = await run(200);
    if (failures > 0) throw new Error(`${failures} of ${what} were refused`);
    figures.push({
      what,
      value: p99Ms,
      unit: "ms p99",
      budget: { atMost: 30 },
      note: `p50 ${p50Ms.toFixed(1)} ms`,
    });
  }
  return figures;
}

function mustHave(wanted: number, results: LoadResult[]): void {
  const written = new Database(`${folder}/data/mailit.db`, { readonly: true });
  const count = (sql: string) => (written.query(sql).get() as { n: number }).n;
  const stored = count("select count(*) as n from jobs where kind = 'deliver'");
  const logged = count("select count(*) as n from logs where method = 'POST' and path like '/emails%'");
  written.close();
  const failures = results.reduce((sum, result) => sum + result.failures, 0);
  if (stored !== wanted || failures > 0) throw new Error(`${stored} of ${wanted} jobs, ${failures} failures`);
  if (logged !== warmUp + 2 * requests + 40 + batches) throw new Error(`${logged} requests were logged`);
}

/** What SQLite alone does with as many rows as an email has, with the fsync of a group of 64. */
function rawWrites(place: string): number {
  const database = new Database(`${place}/raw.db`, { create: true });
  database.run("pragma journal_mode = wal");
  database.run("pragma synchronous = full");
  database.run("create table rows (id text primary key, value text)");
  const insert = database.prepare("insert into rows values (?, ?)");
  const group = database.transaction((ids: string[]) => {
    for (const id of ids) insert.run(id, filler);
    for (const id of ids)
      for (let row = 0; row < 6; row++)
        insert.run(`${id}${row}`, "a small row of some hundred bytes".repeat(4));
  });
  const groups = 200;
  const started = performance.now();
  for (let n = 0; n < groups; n++) group.immediate(Array.from({ length: 64 }, () => Bun.randomUUIDv7()));
  return (groups * 64) / ((performance.now() - started) / 1000);
}
