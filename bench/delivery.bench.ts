/**
 * From the queue to an SMTP sink on loopback, whole program: MX lookup, MIME, both DKIM signatures, SMTP, and every
 * outcome on disk. The emails fall due together, a moment after the last one was accepted.
 */
import { Database } from "bun:sqlite";
import { availableParallelism } from "node:os";
import { makeLogger } from "../src/log.ts";
import { makeDkimKeyPairs } from "../src/mail/dkim-keys.ts";
import { openSigner } from "../src/mail/signer.ts";
import { openSession } from "../src/smtp/session.ts";
import { startThreads } from "../src/threads/threads.ts";
import { startDnsServer } from "../test/support/dns-server.ts";
import { dnsTable } from "../test/support/dns-table.ts";
import { startBench } from "./account.ts";
import { jsonRequest, load } from "./load.ts";
import { postfixWithRspamd } from "./postfix.ts";
import { report } from "./report.ts";

const messages = Number(process.env.BENCH_MESSAGES ?? 10_000);
const domains = 50;
/** Their mail servers: a site for every five domains, as mail to the world has it. */
const sites = 10;

const sink = Bun.spawn(["bun", `${import.meta.dir}/sink.ts`], { stdout: "pipe" });
const sinkOutput = sink.stdout.getReader();
const sinkPort = new TextDecoder().decode((await sinkOutput.read()).value).trim();

const table = dnsTable();
for (let n = 0; n < sites; n++) table.set(`mx${n}.sink.test A`, "127.0.0.1");
for (let n = 0; n < domains; n++) table.set(`domain${n}.test MX`, `10 mx${n % sites}.sink.test`);
const dns = await startDnsServer(table);
const { folder, key, mailit } = await startBench({
  args: ["serve", "--data", "data"],
  env: {
    MAILIT_DNS_SERVERS: dns.address,
    MAILIT_DOMAIN: "mail.bench.test",
    MAILIT_SMTP_OUTBOUND_PORT: sinkPort,
    MAILIT_SMTP_OUTBOUND_ALLOW_PRIVATE_ADDRESSES: "true",
  },
  publish(records) {
    for (const { type, name, value, priority } of records) {
      table.set(`${name} ${type}`, type === "MX" ? `${priority} ${value}` : value);
    }
  },
});

const filler = "Lorem ipsum dolor sit amet. ".repeat(70);
const html = (n: number) => `<p>Hello ${n}</p><p>${filler}</p>`;
/** Hands in `count` emails, spread over the domains. */
function accept(count: number, scheduledAt?: Date): Promise<unknown> {
  return load({
    port: Number(new URL(mailit.url).port),
    connections: 64,
    requests: count,
    request: (n) =>
      jsonRequest("/emails", key, {
        from: "Bench <bench@example.com>",
        to: `user${n}@domain${n % domains}.test`,
        subject: `Message ${n}`,
        html: html(n),
        ...(scheduledAt && { scheduled_at: scheduledAt.toISOString() }),
      }),
  });
}

const database = new Database(`${folder}/data/mailit.db`, { readonly: true });
const delivered = database.query(
  "select coalesce(sum(total), 0) as n from counters where event = 'email.delivered'",
);
const count = () => (delivered.get() as { n: number }).n;

// A server that has sent before: it knows which domains share their hosts, and its code is compiled.
const warmUp = 1_000;
await accept(warmUp);
while (count() < warmUp) await Bun.sleep(10);

const dueAt = new Date(Date.now() + 4_000 + messages / 3);
await accept(messages, dueAt);
if (Date.now() > dueAt.getTime()) throw new Error("accepting took longer than the emails were to wait");
let startedAt = 0;
const patience = performance.now() + 120_000;
while (count() < warmUp + messages) {
  if (performance.now() > patience)
    throw new Error(`only ${count()} of ${warmUp + messages} were delivered in two minutes`);
  await Bun.sleep(10);
  if (startedAt === 0 && count() > warmUp) startedAt = performance.now();
}
const seconds = (performance.now() - startedAt) / 1000;
const left = (database.query("select count(*) as n from jobs where kind = 'deliver'").get() as { n: number })
  .n;
const memory = await residentMegabytes();
await mailit.stop();

const peerMessages = Math.min(messages, 5_000);
const peer = await postfixWithRspamd({ messages: peerMessages, sinkPort: Number(sinkPort), domains });
const clientMessages = 20_000;
const client = await smtpClient(clientMessages);
sink.kill("SIGTERM");
const taken = Number(new TextDecoder().decode((await sinkOutput.read()).value).replace(/\D/g, ""));
await dns.close();
const handedIn = warmUp + messages + clientMessages + (peer === undefined ? 0 : peerMessages);
if (taken !== handedIn || left > 0) throw new Error(`the sink took ${taken}, ${left} jobs are left`);

report([
  {
    what: "queue → composed, signed twice, delivered, outcome on disk",
    value: messages / seconds,
    unit: "messages/s",
    budget: { atLeast: 1_500 },
  },
  ...(peer === undefined
    ? []
    : [
        {
          what: "Postfix with rspamd: handed in, signed once, delivered",
          value: peer,
          unit: "messages/s",
          note: `ours is ${(messages / seconds / peer).toFixed(1)} times that; wanted are 2`,
        },
      ]),
  {
    what: "raw limit: composed and signed by the message workers alone",
    value: await composing(),
    unit: "messages/s",
  },
  { what: "raw limit: RSA-2048 signatures, one core", value: await signing(), unit: "/s" },
  { what: "raw limit: our SMTP client to the sink, 20 connections", value: client, unit: "messages/s" },
  { what: "memory of the program at the end", value: memory, unit: "MB", budget: { atMost: 400 } },
]);

/** Messages that are made already, over connections that are open already. */
async function smtpClient(count: number): Promise<number> {
  const message = new TextEncoder().encode(`Subject: raw\r\n\r\n${`${filler.slice(0, 70)}\r\n`.repeat(28)}`);
  const options = { host: "sink", address: "127.0.0.1", port: Number(sinkPort), ehloName: "bench.test" };
  const connections = await Promise.all(
    Array.from({ length: 20 }, () => openSession({ ...options, tls: "off", rejectUnauthorized: false })),
  );
  let left = count;
  const startedAt = performance.now();
  await Promise.all(
    connections.map(async (opened) => {
      if (opened.kind !== "open") throw new Error("the sink could not be reached");
      while (left-- > 0) await opened.session.send(message, { from: "a@bench.test", to: "b@sink.test" });
      opened.session.close();
    }),
  );
  return count / ((performance.now() - startedAt) / 1000);
}

async function signing(): Promise<number> {
  const signer = openSigner((await makeDkimKeyPairs()).rsa.privateKey);
  const data = Buffer.from(filler);
  const count = 3_000;
  const startedAt = performance.now();
  for (let n = 0; n < count; n++) signer.sign(data);
  return count / ((performance.now() - startedAt) / 1000);
}

async function residentMegabytes(): Promise<number> {
  const status = await Bun.file(`/proc/${mailit.pid}/status`).text();
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
}

/** The same messages through as many workers, with nothing else going on. */
async function composing(): Promise<number> {
  const threads = startThreads({ count: availableParallelism(), log: makeLogger("warn", "json") });
  const pairs = await makeDkimKeyPairs();
  const keys = (["rsa", "ed25519"] as const).map((algorithm) => ({
    domain: "example.com",
    selector: algorithm,
    algorithm,
    privateKey: pairs[algorithm].privateKey,
  }));
  const compose = (n: number) =>
    threads.compose({
      source: {
        messageId: `<${n}@example.com>`,
        date: new Date(),
        from: "Bench <bench@example.com>",
        to: [`user${n}@domain.test`],
        cc: [],
        replyTo: [],
        subject: `Message ${n}`,
        html: html(n),
        headers: {},
        attachments: [],
      },
      keys,
      signedAt: new Date(),
    });
  const made = 3_000;
  await Promise.all(Array.from({ length: 500 }, (_, n) => compose(n)));
  const started = performance.now();
  for (let n = 0; n < made; n += 250)
    await Promise.all(Array.from({ length: 250 }, (_, m) => compose(n + m)));
  const rate = made / ((performance.now() - started) / 1000);
  await threads.close();
  return rate;
}
