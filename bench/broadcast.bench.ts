/**
 * A broadcast to 100,000 contacts in the executable's sandbox: how long until every recipient is on disk, how much of the
 * database each takes, and how fast they then are sent to. The raw limit is the same rows, written by SQL alone. In the
 * middle it is paused and canceled; then another goes through three kill -9 to its end, and everybody must have got it.
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

/** Every message that the sandbox's mail server took, which itself keeps the last thousand. */
function watchSink(): void {
  using database = new Database(path);
  database.run("create table bench_taken (delivery_id text not null)");
  database.run(
    `create trigger bench_taken after insert on sandbox_messages
     begin insert into bench_taken (delivery_id) values (new.delivery_id); end`,
  );
}
watchSink();

const env = { MAILIT_LOGGING_LEVEL: "warn", MAILIT_RATE_LIMIT_ENABLED: "false" };
let mailit = await startMailit({ folder, env });
const ask = async (method: string, route: string, body?: unknown) => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(mailit.url + route, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};

// Sending waits, so that what is measured is the fan-out and its bytes alone.
await ask("POST", "/queue/sending/pause", { reason: "bench" });
const paragraph = `<p>${"Lorem ipsum dolor sit amet. ".repeat(70)}</p>`;
const draft = {
  ...{
    segment_id: segmentId,
    from: "Bench <bench@example.com>",
    subject: "Hi {{{contact.first_name|there}}}",
  },
  html: `<p>{{{contact.first_name}}} {{{contact.last_name}}}, {{{contact.plan|free}}}</p>${paragraph}<a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a>`,
};
const { id } = await ask("POST", "/broadcasts", draft);
const bytesBefore = databaseBytes();
const started = performance.now();
await ask("POST", `/broadcasts/${id}/send`, {});
const stateOf = (of: string) => ask("GET", `/broadcasts/${of}`);
const progress = async (of = id) => (await stateOf(of)).progress as Record<string, number>;
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

await ask("POST", `/broadcasts/${id}/pause`, {});
await Bun.sleep(1_000);
const takenAfterASecond = count("bench_taken");
await Bun.sleep(3_000);
const takenPaused = count("bench_taken") - takenAfterASecond;
await ask("POST", `/broadcasts/${id}/cancel`, {});
const canceledFrom = performance.now();
const isToldOfAll = ({ delivered: got = 0, canceled = 0 }: Record<string, number>) =>
  got + canceled >= contacts;
while (!isToldOfAll(await progress())) await Bun.sleep(50);
const cancelMs = performance.now() - canceledFrom;
const raw = rawSeconds();

const story = await throughThreeKills();
await mailit.stop();

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
  {
    what: "taken later than a second after a pause",
    value: takenPaused,
    unit: "messages",
    budget: { atMost: 0 },
  },
  { what: "canceled, with an event for each", value: cancelMs / 1_000, unit: "s" },
  { what: "through three kill -9: contacts with other than one delivery", ...none(story.notOnce) },
  { what: "  contacts who did not get it", ...none(story.missed) },
  { what: "  who got it twice, and it was not under way at a kill", ...none(story.twice) },
  { what: "  who got it twice, as it was under way at a kill", value: story.underWay, unit: "contacts" },
  { what: "  from the first start to the last", value: story.seconds, unit: "s" },
]);
process.exit(0);

function none(value: number) {
  return { value, unit: "contacts", budget: { atMost: 0 } };
}

/**
 * One broadcast to everybody, sent while it finds its recipients. The first kill comes while it does, the others while
 * messages are going out; what was taken and not yet on disk as delivered when a kill came may come once more.
 */
async function throughThreeKills() {
  const from = performance.now();
  const { id: broadcastId } = await ask("POST", "/broadcasts", draft);
  await ask("POST", `/broadcasts/${broadcastId}/send`, {});
  const deliveriesOf = "deliveries where email_id = (select email_id from broadcasts where id = ?)";
  const rows = (text: string) => {
    using database = new Database(path);
    return database.query(text).values(broadcastId) as string[][];
  };
  const number = (text: string) => Number(rows(text)[0]![0]);
  const found = () => number("select recipients from broadcasts where id = ?");
  const delivered = () =>
    number(
      "select ifnull(sum(total), 0) from email_counters where event = 'email.delivered' and email_id = (select email_id from broadcasts where id = ?)",
    );
  const mayComeTwice = new Set<string>();
  const kills: string[] = [];
  for (const isFarEnough of [
    () => found() >= contacts / 4,
    () => delivered() >= contacts / 4,
    () => delivered() >= contacts / 2,
  ]) {
    while (!isFarEnough()) await Bun.sleep(kills.length === 0 ? 2 : 100);
    const isFinding = found() < contacts;
    await mailit.kill9();
    kills.push(isFinding ? "while recipients were found" : "while they were sent to");
    for (const [deliveryId] of rows(
      `select id from ${deliveriesOf} and state <> 'delivered' and id in (select delivery_id from bench_taken)`,
    )) {
      mayComeTwice.add(deliveryId!);
    }
    mailit = await startMailit({ folder, env });
  }
  while ((await stateOf(broadcastId)).status !== "sent") await Bun.sleep(500);
  const seconds = (performance.now() - from) / 1_000;
  const copies = rows(
    `select delivery_id, count(*) from bench_taken where delivery_id in (select id from ${deliveriesOf}) group by delivery_id`,
  );
  const twice = copies.filter(([, total]) => Number(total) > 1).map(([deliveryId]) => deliveryId!);
  const ofContacts = rows(`select contact_id, count(*) from ${deliveriesOf} group by contact_id`);
  process.stderr.write(`killed ${kills.join(", ")}\n`);
  return {
    seconds,
    notOnce: contacts - ofContacts.filter(([, total]) => Number(total) === 1).length,
    missed: contacts - copies.length,
    twice: twice.filter((deliveryId) => !mayComeTwice.has(deliveryId)).length,
    underWay: twice.filter((deliveryId) => mayComeTwice.has(deliveryId)).length,
  };
}

function count(table: string): number {
  using database = new Database(path);
  return Number(database.query(`select count(*) from ${table}`).values()[0]![0]);
}

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
