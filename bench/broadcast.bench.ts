/**
 * A broadcast to 100,000 contacts in the executable's sandbox: how long until every recipient is on disk, how much of the
 * database each takes, and how fast they then are sent to. The raw limit is the same rows, written by SQL alone.
 */
import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMailit } from "../test/e2e/mailit.ts";
import { startBench } from "./account.ts";
import { report } from "./report.ts";

const contacts = Number(process.env.BENCH_CONTACTS ?? 100_000);
const domains = 200;
/** How long sending is watched. */
const sendingMs = Number(process.env.BENCH_SENDING_MS ?? 20_000);

const { folder, key, mailit: first } = await startBench();
await first.stop();
const path = join(folder, "data/mailit.db");
const segmentId = fillAudience();

const env = { MAILIT_LOGGING_LEVEL: "warn", MAILIT_RATE_LIMIT_ENABLED: "false" };
await using mailit = await startMailit({ folder, env });
const ask = async (method: string, route: string, body?: unknown) => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(mailit.url + route, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

// Sending waits, so that what is measured is the fan-out and its bytes alone.
await ask("POST", "/queue/sending/pause", { reason: "bench" });
const paragraph = `<p>${"Lorem ipsum dolor sit amet. ".repeat(70)}</p>`;
const { id } = await ask("POST", "/broadcasts", {
  ...{
    segment_id: segmentId,
    from: "Bench <bench@example.com>",
    subject: "Hi {{{contact.first_name|there}}}",
  },
  html: `<p>{{{contact.first_name}}} {{{contact.last_name}}}, {{{contact.plan|free}}}</p>${paragraph}<a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a>`,
});
const bytesBefore = databaseBytes();
const started = performance.now();
await ask("POST", `/broadcasts/${id}/send`, {});
const progress = async () => (await ask("GET", `/broadcasts/${id}`)).progress as Record<string, number>;
while ((await progress()).recipients! < contacts) await Bun.sleep(10);
const fanOutMs = performance.now() - started;
const bytesEach = (databaseBytes() - bytesBefore) / contacts;

await ask("POST", "/queue/sending/resume", {});
const sendingFrom = performance.now();
let delivered = 0;
while (delivered < contacts && performance.now() - sendingFrom < sendingMs) {
  await Bun.sleep(100);
  delivered = (await progress()).delivered!;
}
const perSecond = delivered / ((performance.now() - sendingFrom) / 1_000);
await mailit.stop();
const raw = rawSeconds();

report([
  {
    what: `fan-out to ${contacts.toLocaleString("en")} contacts`,
    value: fanOutMs / 1_000,
    unit: "s",
    budget: { atMost: 5 },
  },
  { what: "  the same rows by SQL alone", value: raw, unit: "s" },
  { what: "database a recipient", value: bytesEach, unit: "bytes", budget: { atMost: 1_000 } },
  { what: "  then sent to, in the sandbox", value: perSecond, unit: "messages/s" },
]);
process.exit(0);

/** What the pages in use take, wherever they are: the write-ahead log is part of the database. */
function databaseBytes(): number {
  using database = new Database(path, { readonly: true });
  const one = (pragma: string) => database.query(`pragma ${pragma}`).values()[0]![0] as number;
  return (one("page_count") - one("freelist_count")) * one("page_size");
}

/** A segment of so many people with names and a property, in 200 domains. */
function fillAudience(): string {
  using database = new Database(path);
  const [teamId] = database.query("select id from teams").values()[0] as [string];
  const segment = Bun.randomUUIDv7();
  database.run("insert into segments (id, team_id, name, members, created_at) values (?, ?, 'All', 0, 1)", [
    segment,
    teamId,
  ]);
  const insert = database.prepare(
    `insert into contacts (team_id, id, email, first_name, last_name, unsubscribed, properties, created_at, updated_at)
     values (?, ?, ?, ?, ?, 0, ?, 1, 1)`,
  );
  const join = database.prepare("insert into segment_members (segment_id, contact_id) values (?, ?)");
  database.transaction(() => {
    for (let n = 0; n < contacts; n++) {
      const contact = Bun.randomUUIDv7();
      const email = `user${n}@domain${n % domains}.test`;
      insert.run(teamId, contact, email, `First${n}`, `Last${n}`, JSON.stringify({ plan: "pro", seats: n }));
      join.run(segment, contact);
    }
  })();
  database.run("pragma wal_checkpoint(truncate)");
  return segment;
}

/** Deliveries and jobs copied into an empty database of the same shape, a thousand at a time, each batch fsynced. */
function rawSeconds(): number {
  const rawFolder = mkdtempSync(join(tmpdir(), "mailit-bench-"));
  try {
    const raw = new Database(join(rawFolder, "raw.db"));
    raw.run("pragma journal_mode = wal");
    raw.run("pragma synchronous = full");
    raw.run("attach ? as full", [path]);
    const shapes = raw
      .query(
        "select sql from full.sqlite_schema where tbl_name in ('deliveries', 'jobs') and sql is not null and type in ('table', 'index')",
      )
      .values() as [string][];
    for (const [sql] of shapes) raw.run(sql.replace(/references \w+ \(id\) on delete cascade/g, ""));
    const ids = (raw.query("select id from full.deliveries order by id").values() as [string][]).flat();
    const among = "id in (select value from json_each(?1))";
    const begun = performance.now();
    for (let from = 0; from < ids.length; from += 1_000) {
      const slice = JSON.stringify(ids.slice(from, from + 1_000));
      raw.run("begin");
      raw.run(`insert into deliveries select * from full.deliveries where ${among}`, [slice]);
      raw.run(
        `insert into jobs (id, kind, lane, payload, run_at, attempts, fence, created_at)
         select id, 'deliver', 'deliver/' || domain, json_object('deliveryId', id), 1, 0, 0, 1
         from full.deliveries where ${among}`,
        [slice],
      );
      raw.run("commit");
    }
    const seconds = (performance.now() - begun) / 1_000;
    raw.close();
    return seconds;
  } finally {
    rmSync(rawFolder, { recursive: true, force: true });
  }
}
