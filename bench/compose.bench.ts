/**
 * What a message costs before it is on the wire: composed from HTML of 2 KB, signed with RSA-2048 and Ed25519, in message
 * workers. The raw limit is RSA alone: a core can't sign faster, and nothing else of a message costs nearly as much.
 */
import { availableParallelism } from "node:os";
import { makeLogger } from "../src/log.ts";
import { baseBoundaryOf, composeMessage, fieldsOf, type MessageSource } from "../src/mail/compose.ts";
import { type DkimKey, signMessage } from "../src/mail/dkim.ts";
import { makeDkimKeyPairs } from "../src/mail/dkim-keys.ts";
import { mimeTree } from "../src/mail/mime.ts";
import { openSigner } from "../src/mail/signer.ts";
import { shownContent } from "../src/mail/text-parts.ts";
import { startThreads } from "../src/threads/threads.ts";
import { type Figure, report } from "./report.ts";

const workers = availableParallelism();
const inFlight = 128;
const filler = "Lorem ipsum dolor sit amet. ".repeat(70);
const signedAt = new Date();
const pairs = await makeDkimKeyPairs();
const keys: DkimKey[] = (["rsa", "ed25519"] as const).map((algorithm) => ({
  domain: "example.com",
  selector: algorithm,
  algorithm,
  privateKey: pairs[algorithm].privateKey,
}));

const source = (n: number, html = `<p>Hello ${n}</p><p>${filler}</p>`): MessageSource => ({
  messageId: `<${n}@example.com>`,
  date: signedAt,
  from: "Bench <bench@example.com>",
  to: [`user${n}@domain.test`],
  cc: [],
  replyTo: [],
  subject: `Message ${n}`,
  html,
  headers: {},
  attachments: [],
});
const byLibrary = (n: number) => {
  const whole = source(n);
  const body = { ...shownContent(whole), attachments: [] };
  return mimeTree(fieldsOf(whole), baseBoundaryOf(whole.messageId), body).build();
};

const message = await composeMessage(source(0));
const rsa = openSigner(pairs.rsa.privateKey);
const ed25519 = openSigner(pairs.ed25519.privateKey);

const figures: Figure[] = [
  ...(await inWorkers()),
  await onOneCore("raw limit: RSA-2048 alone, one core", () => rsa.sign(message)),
  await onOneCore("Ed25519 alone, one core", () => ed25519.sign(message)),
  await onOneCore("signed with Ed25519: all of signing but RSA, one core", () =>
    signMessage(message, keys.slice(1), signedAt),
  ),
  await onOneCore("composed, one core", (n) => composeMessage(source(n))),
  await onOneCore("composed from content known already, one core", (n) => composeMessage(source(n, filler))),
  await onOneCore("composed by MailComposer and its streams, one core", byLibrary),
];
report(figures);

/** The rate at which a core that does nothing else would do one thing, by the CPU time of two seconds of it. */
async function onOneCore(what: string, make: (n: number) => unknown): Promise<Figure> {
  let n = 0;
  const run = async (milliseconds: number) => {
    const until = performance.now() + milliseconds;
    const first = n;
    const before = process.threadCpuUsage();
    while (performance.now() < until) for (let k = 0; k < 20; k++) await make(n++);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / (n - first);
  };
  await run(1_000);
  const microseconds = await run(2_000);
  return { what, value: 1e6 / microseconds, unit: "/s", note: ` ${microseconds.toFixed(0)} µs` };
}

async function inWorkers(): Promise<Figure[]> {
  const threads = startThreads({ count: workers, log: makeLogger("warn", "json") });
  let n = 0;
  const run = async (messages: number) => {
    const last = n + messages;
    const each = async () => {
      while (n < last) await threads.compose({ source: source(n++), keys, signedAt });
    };
    await Promise.all(Array.from({ length: inFlight }, each));
  };
  await run(3_000);
  const messages = 10_000;
  const started = performance.now();
  const before = process.threadCpuUsage();
  await run(messages);
  const { user, system } = process.threadCpuUsage(before);
  const seconds = (performance.now() - started) / 1000;
  await threads.close();
  return [
    { what: `composed and signed twice, ${workers} workers`, value: messages / seconds, unit: "messages/s" },
    { what: "main thread, to hand one over and take it back", value: (user + system) / messages, unit: "µs" },
  ];
}
