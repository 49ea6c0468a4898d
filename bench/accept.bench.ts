/**
 * `POST /emails` on the compiled executable: one recipient, 2 KB, authenticated, over 64 kept connections, every answer
 * on disk. The emails are due in an hour, so that it is accepting that is measured and not delivering beside it.
 */
import { Database } from "bun:sqlite";
import { cpus } from "node:os";
import { startBench } from "./account.ts";
import { jsonRequest, load } from "./load.ts";
import { report } from "./report.ts";

const requests = Number(process.env.BENCH_REQUESTS ?? 40_000);
const { folder, key, mailit } = await startBench();
const port = Number(new URL(mailit.url).port);
const scheduledAt = new Date(Date.now() + 3_600_000).toISOString();
const filler = "Lorem ipsum dolor sit amet. ".repeat(70);
const email = (n: number) => ({
  from: "Bench <bench@example.com>",
  to: `user${n}@domain${n % 500}.test`,
  subject: `Message ${n}`,
  html: `<p>Hello ${n}</p><p>${filler}</p>`,
  scheduled_at: scheduledAt,
});

await load({
  port,
  connections: 64,
  requests: 4_000,
  request: (n) => jsonRequest("/emails", key, email(n + 1e9)),
});
const result = await load({
  port,
  connections: 64,
  requests,
  request: (n) => jsonRequest("/emails", key, email(n)),
});
const health = Buffer.from("GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n");
const bare = await load({ port, connections: 64, requests, request: () => health });
await mailit.stop();

const written = new Database(`${folder}/data/mailit.db`, { readonly: true });
const stored = (written.query("select count(*) as n from jobs where kind = 'deliver'").get() as { n: number })
  .n;
if (stored !== requests + 4_000 || result.failures > 0) {
  throw new Error(`${stored} jobs are on disk, ${result.failures} requests failed`);
}

report([
  {
    what: "POST /emails, one recipient, 2 KB, 64 connections",
    value: result.requestsPerSecond,
    unit: "req/s",
    budget: { atLeast: 8_000 },
  },
  { what: "  p99", value: result.p99Ms, unit: "ms", budget: { atMost: 50 } },
  { what: "  p50", value: result.p50Ms, unit: "ms" },
  { what: "raw limit: GET /healthz over the same connections", value: bare.requestsPerSecond, unit: "req/s" },
  {
    what: "raw limit: the rows of an email, one fsync for 64, no HTTP",
    value: rawWrites(folder),
    unit: "emails/s",
    note: `${cpus().length} cores, the client among them`,
  },
]);

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
