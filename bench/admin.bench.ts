/**
 * The pages of the admin with a million emails and a million contacts behind them, and what a team with ten domains has
 * counted in a month: how long the server takes for each, as a browser that is signed in asks for it.
 */
import { Database } from "bun:sqlite";
import { startMailit } from "../test/e2e/mailit.ts";
import { startBench } from "./account.ts";
import { fill } from "./fill.ts";
import { load } from "./load.ts";
import { type Figure, report } from "./report.ts";
import { settle } from "./settle.ts";

const happened = [
  ...["email.queued", "email.sent", "email.delivered", "email.delivery_delayed", "email.bounced"],
  ...["email.opened", "email.unique_opened", "email.clicked", "email.unique_clicked", "email.complained"],
];
const emails = Number(process.env.BENCH_EMAILS ?? 1_000_000);
const contacts = Number(process.env.BENCH_CONTACTS ?? 1_000_000);
const { folder, mailit } = await startBench();
await mailit.stop();
const path = `${folder}/data/mailit.db`;
const { sample } = fill(path, emails);
fillContacts();
fillCounters();
await settle(folder);

const env = { MAILIT_LOGGING_LEVEL: "warn", MAILIT_RATE_LIMIT_ENABLED: "false" };
const running = await startMailit({ folder, env });
const port = Number(new URL(running.url).port);
const cookie = await signIn();
const middle = sample[Math.floor(sample.length / 2)]!;
const pages = [
  ...["/admin", "/admin/emails", `/admin/emails?after=${middle}`, `/admin/emails/${middle}`],
  ...["/admin/emails?q=user4321", "/admin/emails?q=message", "/admin/emails?status=bounced"],
  ...["/admin/broadcasts", "/admin/templates"],
  ...["/admin/queue", "/admin/suppressions", "/admin/suppressions?search=user1", "/admin/metrics"],
  ...["/admin/metrics?by=domain", "/admin/metrics?by=provider", "/admin/metrics?granularity=hourly"],
  ...["/admin/metrics?by=domain&by_period=1", "/admin/metrics?by=provider&by_period=1"],
  ...["/admin/metrics?range=12mo", "/admin/metrics?timezone=Europe/Berlin"],
  ...["/admin/metrics?by=tag", "/admin/metrics?by=tag&tag=category", "/admin/metrics?by=tag&by_period=1"],
  ...[
    "/admin/receiving",
    "/admin/contacts",
    "/admin/contacts?search=user9",
    "/admin/segments",
    "/admin/topics",
  ],
  ...["/admin/properties", "/admin/contacts/imports", "/admin/domains", "/admin/api-keys", "/admin/webhooks"],
  ...[
    "/admin/logs",
    "/admin/logs?method=DELETE",
    "/admin/docs",
    "/admin/settings",
    "/admin/settings/audit-log",
  ],
  ...["/admin/sandbox", "/admin/palette", "/admin/palette/find?q=user4321", "/admin/palette/find?q=message"],
];
const figures: Figure[] = [];
for (const page of pages) {
  const bytes = Buffer.from(`GET ${page} HTTP/1.1\r\nhost: bench\r\ncookie: ${cookie}\r\n\r\n`);
  const run = (count: number) => load({ port, connections: 1, requests: count, request: () => bytes });
  await run(10);
  const { p99Ms, p50Ms, failures } = await run(300);
  if (failures > 0) throw new Error(`${failures} answers of ${page} were no page`);
  const note = `p50 ${p50Ms.toFixed(1)} ms`;
  figures.push({
    what: page.replace(middle, "{id}"),
    value: p99Ms,
    unit: "ms p99",
    budget: { atMost: 30 },
    note,
  });
}
await running.stop();
report(figures);

async function signIn(): Promise<string> {
  const answer = await fetch(`${running.url}/admin/sign-in`, {
    method: "POST",
    body: new URLSearchParams({ email: "bench@example.com", password: "bench password" }),
    redirect: "manual",
  });
  const [cookie] = (answer.headers.get("set-cookie") ?? "").split(";");
  if (answer.status !== 303 || !cookie) throw new Error(`signing in was answered with ${answer.status}`);
  return cookie;
}

/** In each hour of 30 days whatever can become of an email, of nine more domains and at six providers. */
function fillCounters(): void {
  const database = new Database(path);
  database.run("pragma synchronous = off");
  const [teamId] = database.query("select id from teams").values()[0] as [string];
  const domains = Array.from({ length: 9 }, () => Bun.randomUUIDv7());
  const [hourMs, now] = [3_600_000, Date.now()];
  const domain = database.prepare("insert into counters values (?, ?, ?, '', ?, 7)");
  const provider = database.prepare("insert into provider_counters values (?, ?, ?, ?, 7)");
  database.transaction(() => {
    for (let hour = now - (now % hourMs) - 719 * hourMs; hour < now; hour += hourMs) {
      for (const event of happened) {
        for (const id of domains) domain.run(teamId, hour, id, event);
        for (const name of ["gmail", "microsoft", "yahoo", "icloud", "gmx", "proton"]) {
          provider.run(teamId, hour, name, event);
        }
      }
    }
  })();
  database.close();
}

function fillContacts(): void {
  const database = new Database(path);
  database.run("pragma synchronous = off");
  const [teamId] = database.query("select id from teams").values()[0] as [string];
  const insert = database.prepare(
    `insert into contacts (team_id, id, email, first_name, last_name, unsubscribed, properties, created_at, updated_at)
     values (?, ?, ?, ?, 'Person', 0, '{}', ?, ?)`,
  );
  const now = Date.now();
  database.transaction(() => {
    for (let n = 0; n < contacts; n++) {
      const at = now - n;
      insert.run(teamId, Bun.randomUUIDv7("hex", at), `user${n}@domain${n % 500}.test`, `User${n}`, at, at);
    }
  })();
  database.run("pragma wal_checkpoint(truncate)");
  database.close();
}
