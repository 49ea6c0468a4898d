/**
 * Mail that comes in, whole program: SMTP over kept connections, the message fsynced before its 250, then read in the
 * message workers and its row, body and event on disk. Once with mail nobody vouches for, once with mail whose SPF, DKIM
 * (RSA-2048) and DMARC all pass.
 */
import { Database } from "bun:sqlite";
import { composeMessage } from "../src/mail/compose.ts";
import { signMessage } from "../src/mail/dkim.ts";
import { makeDkimKeyPairs } from "../src/mail/dkim-keys.ts";
import { openSession } from "../src/smtp/session.ts";
import { startDnsServer } from "../test/support/dns-server.ts";
import { dnsTable } from "../test/support/dns-table.ts";
import { startBench } from "./account.ts";
import { postfixReceiving } from "./postfix.ts";
import { report } from "./report.ts";

const messages = Number(process.env.BENCH_MESSAGES ?? 10_000);
const warmUp = Math.min(messages, 2_000);
const connections = 20;
const patienceMs = 120_000;

const pairs = await makeDkimKeyPairs();
const table = dnsTable();
table.set("vouched.test TXT", "v=spf1 ip4:127.0.0.1 -all");
table.set("k._domainkey.vouched.test TXT", `v=DKIM1; k=rsa; p=${pairs.rsa.publicKey}`);
table.set("_dmarc.vouched.test TXT", "v=DMARC1; p=reject");
table.set("mail.bench.test A", "127.0.0.1");
table.set("in.bench.test MX", "10 mail.bench.test");
const dns = await startDnsServer(table);

const { folder, key, mailit } = await startBench({
  args: ["serve", "--data", "data"],
  env: {
    MAILIT_DNS_SERVERS: dns.address,
    MAILIT_DOMAIN: "mail.bench.test",
    MAILIT_SMTP_INBOUND_MAX_CONNECTIONS_PER_ADDRESS: "1000",
    MAILIT_SMTP_INBOUND_MESSAGES_PER_MINUTE: "10000000",
  },
  publish(records) {
    for (const { type, name, value, priority } of records) {
      table.set(`${name} ${type}`, type === "MX" ? `${priority} ${value}` : value);
    }
  },
});
const [, port = ""] = await mailit.printed(/Mail for your domains is taken at \S+:(\d+)/);
await receiveFor("in.bench.test");

const filler = `${"Lorem ipsum dolor sit amet. ".repeat(70)}`;
/** Made beforehand, so that signing takes no time of the measured; each has a Message-ID of its own. */
async function letters(domain: string, isSigned: boolean): Promise<Uint8Array[]> {
  const made: Uint8Array[] = [];
  for (let n = 0; n < 1_000; n++) {
    const message = await composeMessage({
      messageId: `<${n}@${domain}>`,
      date: new Date(),
      from: `Bench <bench@${domain}>`,
      to: ["inbox@in.bench.test"],
      cc: [],
      replyTo: [],
      subject: `Message ${n}`,
      html: `<p>Hello ${n}</p><p>${filler}</p>`,
      headers: {},
      attachments: [],
    });
    const signature = { domain, selector: "k", algorithm: "rsa" as const, privateKey: pairs.rsa.privateKey };
    made.push(isSigned ? await signMessage(message, [signature], new Date()) : message);
  }
  return made;
}

const database = new Database(`${folder}/data/mailit.db`, { readonly: true });
const read = database.query(
  "select coalesce(sum(total), 0) as n from counters where event = 'email.received'",
);
const readSoFar = () => (read.get() as { n: number }).n;

const unknown = await letters("unknown.test", false);
const vouched = await letters("vouched.test", true);
await handIn(Number(port), unknown, "bench@unknown.test", warmUp / 2);
await handIn(Number(port), vouched, "bench@vouched.test", warmUp / 2);
await allRead(warmUp);

const plain = await receive(unknown, "bench@unknown.test", messages, warmUp);
const checked = await receive(vouched, "bench@vouched.test", messages, warmUp + messages);
const verdicts = database
  .query("select verdicts from inbound_emails where kind = 'email' order by id desc limit 1")
  .get() as { verdicts: string };
const { spf, dkim, dmarc } = JSON.parse(verdicts.verdicts);
if ([spf, dkim[0], dmarc].some(({ result }) => result !== "pass")) {
  throw new Error(`what should have passed did not: ${verdicts.verdicts}`);
}
const memory = await residentMegabytes();
await mailit.stop();
await dns.close();

const peer = await postfixReceiving({
  hand: (peerPort, count) => handIn(peerPort, vouched, "bench@vouched.test", count),
  messages: Math.min(messages, 5_000),
});

report([
  {
    what: "taken, parsed, stored: mail nobody vouches for",
    value: plain.rate,
    unit: "messages/s",
    budget: { atLeast: 1_000 },
    note: `its 250s came at ${Math.round(plain.accepted).toLocaleString("en")}/s`,
  },
  {
    what: "the same with SPF, DKIM and DMARC, all of which pass",
    value: checked.rate,
    unit: "messages/s",
    budget: { atLeast: 500 },
    note: `its 250s came at ${Math.round(checked.accepted).toLocaleString("en")}/s`,
  },
  ...(peer === undefined
    ? []
    : [{ what: "Postfix: the same messages into a maildir, unread", value: peer, unit: "messages/s" }]),
  { what: "memory of the program at the end", value: memory, unit: "MB", budget: { atMost: 400 } },
]);

/** From the first message until the last has been read; `accepted` is how fast they were taken. */
async function receive(letters: Uint8Array[], mailFrom: string, count: number, before: number) {
  const startedAt = performance.now();
  await handIn(Number(port), letters, mailFrom, count);
  const acceptedAt = performance.now();
  await allRead(before + count);
  const per = (end: number) => count / ((end - startedAt) / 1000);
  return { rate: per(performance.now()), accepted: per(acceptedAt) };
}

async function allRead(count: number): Promise<void> {
  const patience = performance.now() + patienceMs;
  while (readSoFar() < count) {
    if (performance.now() > patience) throw new Error(`only ${readSoFar()} of ${count} were read in time`);
    await Bun.sleep(10);
  }
}

async function handIn(port: number, letters: Uint8Array[], mailFrom: string, count: number): Promise<void> {
  const options = { host: "bench", address: "127.0.0.1", port, ehloName: "mx.vouched.test" };
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const opened = await openSession({ ...options, tls: "off", rejectUnauthorized: false });
      if (opened.kind !== "open") throw new Error(`no connection: ${JSON.stringify(opened)}`);
      while (next < count) {
        const letter = letters[next++ % letters.length]!;
        const said = await opened.session.send(letter, { from: mailFrom, to: "inbox@in.bench.test" });
        if (said.kind !== "accepted") throw new Error(`not taken: ${JSON.stringify(said)}`);
      }
      opened.session.close();
    }),
  );
}

async function receiveFor(name: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const ask = async (method: string, path: string, body?: unknown) =>
    (await fetch(`${mailit.url}${path}`, { method, headers, body: JSON.stringify(body) })).json();
  const { id } = await ask("POST", "/domains", {
    name,
    capabilities: { sending: "disabled", receiving: "enabled" },
  });
  await ask("POST", `/domains/${id}/verify`);
  while ((await ask("GET", `/domains/${id}`)).status !== "verified") await Bun.sleep(20);
}

async function residentMegabytes(): Promise<number> {
  const status = await Bun.file(`/proc/${mailit.pid}/status`).text();
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
}
