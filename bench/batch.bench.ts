/**
 * `POST /emails/batch` on the compiled executable: 100 emails of one recipient and 2 KB each, every answer on disk. The
 * emails are due in an hour, so that it is accepting that is measured and not delivering beside it.
 */
import { Database } from "bun:sqlite";
import { cpus } from "node:os";
import { startBench } from "./account.ts";
import { jsonRequest, load } from "./load.ts";
import { report } from "./report.ts";

const batchSize = 100;
const batches = Number(process.env.BENCH_BATCHES ?? 800);
const warmUp = 100;
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
const emails = (batch: number) =>
  Array.from({ length: batchSize }, (_, index) => email(batch * batchSize + index));

// Made before the clock runs, so that the client takes less of the cores it shares with the server.
const requests = Array.from({ length: batches }, (_, n) => jsonRequest("/emails/batch", key, emails(n)));
const warming = Array.from({ length: warmUp }, (_, n) => jsonRequest("/emails/batch", key, emails(n + 1e7)));
await load({ port, connections: 8, requests: warmUp, request: (n) => warming[n]! });
const result = await load({ port, connections: 8, requests: batches, request: (n) => requests[n]! });
await mailit.stop();

const written = new Database(`${folder}/data/mailit.db`, { readonly: true });
const { stored } = written.query("select count(*) as stored from jobs where kind = 'deliver'").get() as {
  stored: number;
};
if (stored !== (batches + warmUp) * batchSize || result.failures > 0) {
  throw new Error(`${stored} jobs are on disk, ${result.failures} requests failed`);
}

report([
  {
    what: "POST /emails/batch of 100, one recipient, 2 KB, 8 connections",
    value: result.requestsPerSecond * batchSize,
    unit: "emails/s",
    budget: { atLeast: 15_000 },
  },
  { what: "  p99 of a batch", value: result.p99Ms, unit: "ms" },
  { what: "  p50 of a batch", value: result.p50Ms, unit: "ms" },
  { what: "raw limit: JSON.parse of the same requests", value: rawParsing(), unit: "emails/s" },
  {
    what: "raw limit: the rows of an email, one fsync for 100, no HTTP",
    value: rawWrites(folder),
    unit: "emails/s",
    note: `${cpus().length} cores, the client among them`,
  },
]);

function rawParsing(): number {
  const texts = requests.slice(0, 200).map((request) => {
    const text = Buffer.from(request).toString();
    return text.slice(text.indexOf("\r\n\r\n") + 4);
  });
  const started = performance.now();
  for (const text of texts) JSON.parse(text);
  return (texts.length * batchSize) / ((performance.now() - started) / 1000);
}

/** What SQLite alone does with as many rows as an email has, with the fsync of a batch. */
function rawWrites(place: string): number {
  const database = new Database(`${place}/raw.db`, { create: true });
  database.run("pragma journal_mode = wal");
  database.run("pragma synchronous = full");
  database.run("create table rows (id text primary key, value text)");
  const insert = database.prepare("insert into rows values (?, ?)");
  const group = database.transaction((ids: string[]) => {
    for (const id of ids) insert.run(id, filler);
    for (const id of ids)
      for (let row = 0; row < 4; row++)
        insert.run(`${id}${row}`, "a small row of some hundred bytes".repeat(4));
  });
  const groups = 200;
  const started = performance.now();
  for (let n = 0; n < groups; n++) {
    group.immediate(Array.from({ length: batchSize }, () => Bun.randomUUIDv7()));
  }
  return (groups * batchSize) / ((performance.now() - started) / 1000);
}
