import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeLogger } from "../log.ts";
import { composeMessage } from "../mail/compose.ts";
import { signMessage } from "../mail/dkim.ts";
import { makeDkimKeyPairs } from "../mail/dkim-keys.ts";
import { verifyMessage } from "../mail/dkim-verify.ts";
import { type ComposeJob, startThreads } from "./threads.ts";

const log = makeLogger("silent", "json");
const folder = mkdtempSync(join(tmpdir(), "mailit-threads-"));
const threads = startThreads({ count: 2, log });
afterAll(async () => {
  await threads.close();
  rmSync(folder, { recursive: true });
});

const pairs = await makeDkimKeyPairs();
const keys: ComposeJob["keys"] = [
  { domain: "example.com", selector: "s1", algorithm: "rsa", privateKey: pairs.rsa.privateKey },
  { domain: "example.com", selector: "s2", algorithm: "ed25519", privateKey: pairs.ed25519.privateKey },
];
const txt = async (name: string) => [
  name.startsWith("s1.")
    ? `v=DKIM1; k=rsa; p=${pairs.rsa.publicKey}`
    : `v=DKIM1; k=ed25519; p=${pairs.ed25519.publicKey}`,
];
const job = (change: Partial<ComposeJob["source"]> = {}): ComposeJob => ({
  source: {
    messageId: "<1@example.com>",
    date: new Date("2026-01-02T03:04:05Z"),
    from: "ada@example.com",
    to: ["bob@example.net"],
    cc: [],
    replyTo: [],
    subject: "Hello",
    html: "<p>Hi</p>",
    headers: {},
    attachments: [],
    ...change,
  },
  keys,
  signedAt: new Date("2026-01-02T03:04:06Z"),
});

/** A worker that runs this script, for what the real one never does. */
async function scriptWorker(name: string, script: string): Promise<() => Worker> {
  const path = join(folder, name);
  await Bun.write(path, script);
  return () => new Worker(path);
}

test("a worker makes the bytes that the same functions make here, and they verify", async () => {
  const attachment = { filename: "a.bin", content: new Uint8Array([0, 1, 2, 255]) };
  const message = await threads.compose(job({ attachments: [attachment] }));
  const here = await composeMessage({ ...job().source, attachments: [attachment] });
  expect(message).toEqual(await signMessage(here, keys, job().signedAt));
  expect((await verifyMessage(message, txt)).map(({ result }) => result)).toEqual(["pass", "pass"]);
});

test("a worker reads an attachment from its file, and a missing file fails only its own message", async () => {
  const file = join(folder, "attachment");
  await Bun.write(file, "from a file");
  const [good, bad] = await Promise.allSettled([
    threads.compose(job({ attachments: [{ filename: "a.txt", content: { file } }] })),
    threads.compose(job({ attachments: [{ content: { file: `${file}.gone` } }] })),
  ]);
  expect(bad.status).toBe("rejected");
  if (good.status === "rejected") throw good.reason;
  expect(Buffer.from(good.value).toString()).toContain(Buffer.from("from a file").toString("base64"));
});

test("a worker reads what came in, asking this thread for DNS", async () => {
  const message = await threads.compose(job());
  const asked: string[] = [];
  const handover = { ip: "192.0.2.1", helo: "mx.example.com", mailFrom: "ada@example.com", host: "mx.test" };
  const { message: read, authenticity } = await threads.read(
    { raw: message, handover },
    async (name, type) => {
      asked.push(`${name} ${type}`);
      if (name.includes("_domainkey") && type === "TXT") return [await txt(name)];
      throw Object.assign(new Error(), { code: name.startsWith("_dmarc") ? "ESERVFAIL" : "ENOTFOUND" });
    },
  );
  expect(read).toMatchObject({ from: "ada@example.com", subject: "Hello", html: "<p>Hi</p>" });
  expect(authenticity?.verdicts).toMatchObject({
    dkim: [{ result: "pass" }, { result: "pass" }],
    spf: { result: "none" },
    dmarc: { result: "temperror" },
  });
  expect(asked).toContain("example.com TXT");
});

test("a worker reads a message from its file", async () => {
  const file = join(folder, "raw");
  await Bun.write(file, "Subject: filed\r\n\r\nbody");
  const { message, authenticity } = await threads.read({ raw: { file } }, () => Promise.reject());
  expect(message).toMatchObject({ subject: "filed", text: "body" });
  expect(authenticity).toBeUndefined();
});

test("a worker reads and signs a message that came whole, from its bytes or its file", async () => {
  const raw = Buffer.from("From: ada@example.com\r\nBcc: c@example.net\r\nSubject: whole\r\n\r\nbody\r\n");
  const file = join(folder, "whole");
  await Bun.write(file, raw);
  expect(await threads.readSubmitted(raw)).toMatchObject({
    message: { subject: "whole", bcc: ["c@example.net"] },
  });
  expect(await threads.readSubmitted({ file })).toEqual(await threads.readSubmitted(raw));
  expect(await threads.readSubmitted(Buffer.from("\r\n"))).toHaveProperty("mistake");

  const { source, ...how } = job();
  const submitted = {
    ...{ raw: { file }, messageId: source.messageId, date: source.date },
    feedbackId: "token:::mailit",
  };
  const message = await threads.compose({ submitted, ...how });
  expect(Buffer.from(message).toString()).toEndWith("\r\n\r\nbody\r\n");
  expect(Buffer.from(message).toString()).not.toContain("Bcc");
  expect((await verifyMessage(message, txt)).map(({ result }) => result)).toEqual(["pass", "pass"]);
  expect(await threads.compose({ submitted: { ...submitted, raw }, ...how })).toEqual(message);
});

test("a message that can't be made or can't be sent to a thread fails alone", async () => {
  const uncopyable = { ...job(), signedAt: (() => {}) as unknown as Date };
  const outcomes = await Promise.allSettled([
    threads.compose(job()),
    threads.compose(job({ from: "nobody" })),
    threads.compose(uncopyable),
    threads.compose(job()),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({ reason: new Error('Not an address: "nobody"') });
});

test("every one of many messages comes back to who asked for it", async () => {
  const subjects = Array.from({ length: 40 }, (_, index) => `Number ${index}.`);
  const messages = await Promise.all(subjects.map((subject) => threads.compose(job({ subject }))));
  for (const [index, subject] of subjects.entries()) {
    expect(Buffer.from(messages[index]!).toString()).toContain(`Subject: ${subject}`);
  }
});

test("a worker makes DKIM keys", async () => {
  const made = await threads.makeDkimKeyPairs();
  expect(made.rsa.privateKey).toStartWith("-----BEGIN PRIVATE KEY-----");
  expect(Buffer.from(made.ed25519.publicKey, "base64").byteLength).toBe(32);
});

test("threads start when there is work, and what arrives in one turn goes out as one list a thread", async () => {
  const answerLength =
    "onmessage = ({ data }) => { for (const { id } of data) postMessage([{ id, value: data.length }]) }";
  const open = await scriptWorker("length.js", answerLength);
  let opened = 0;
  const openWorker = () => {
    opened++;
    return open();
  };
  const counting = startThreads({ count: 2, log, openWorker });
  expect(opened).toBe(0);
  const lengths = await Promise.all(
    Array.from({ length: 7 }, () => counting.compose(job()) as Promise<unknown>),
  );
  expect(lengths).toEqual([4, 3, 4, 3, 4, 3, 4]);
  expect(opened).toBe(2);
  await counting.close();
});

const deaths: Record<string, string> = {
  "throws outside its tasks": "onmessage = () => { throw new Error('broken') }",
  exits: "onmessage = () => process.exit(1)",
  "does not compile": "this is no script",
};
for (const [way, script] of Object.entries(deaths)) {
  test(`a thread that ${way} fails what it had, and another takes its place`, async () => {
    const bad = await scriptWorker(`${way}.js`, script);
    const good = await scriptWorker(
      "good.js",
      "onmessage = ({ data }) => data.forEach(({ id }) => postMessage([{ id, value: 'ok' }]))",
    );
    let opened = 0;
    const dying = startThreads({ count: 1, log, openWorker: () => (opened++ === 0 ? bad() : good()) });
    const outcomes = await Promise.allSettled([dying.compose(job()), dying.compose(job())]);
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") throw new Error("a dead thread answered");
      expect(outcome.reason.message).toStartWith("The message worker died");
    }
    expect((await dying.compose(job())) as unknown).toBe("ok");
    expect(opened).toBe(2);
    await dying.close();
  });
}

test("closing rejects what is under way and all that comes later", async () => {
  const silent = startThreads({
    count: 1,
    log,
    openWorker: await scriptWorker("silent.js", "onmessage = () => {}"),
  });
  const waiting = Promise.allSettled([silent.compose(job())]);
  await new Promise((resolve) => setImmediate(resolve));
  const notHanded = Promise.allSettled([silent.compose(job())]);
  await silent.close();
  expect((await waiting)[0].status).toBe("rejected");
  expect((await notHanded)[0].status).toBe("rejected");
  await expect(silent.compose(job())).rejects.toThrow("closed");
  await silent.close();
});

test("closed threads don't keep the process alive", async () => {
  const program = join(folder, "program.ts");
  const threadsFile = join(import.meta.dir, "threads.ts");
  const logFile = join(import.meta.dir, "../log.ts");
  await Bun.write(
    program,
    `import { startThreads } from ${JSON.stringify(threadsFile)};
     import { makeLogger } from ${JSON.stringify(logFile)};
     const threads = startThreads({ count: 1, log: makeLogger("silent", "json") });
     await threads.makeDkimKeyPairs();
     await threads.close();
     console.log("closed");`,
  );
  const child = Bun.spawn([process.execPath, program], { stdout: "pipe", stderr: "pipe" });
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stdout).text()).toBe("closed\n");
});

test("a thread that hangs is given up, its work fails, and the next work finds another", async () => {
  let opened = 0;
  const silent = await scriptWorker("hanging.js", "onmessage = () => {}");
  const openWorker = () => {
    opened++;
    return silent();
  };
  const hanging = startThreads({ count: 1, log, openWorker, patienceMs: 20 });
  await expect(hanging.compose(job())).rejects.toThrow("did not answer in time");
  await expect(hanging.compose(job())).rejects.toThrow("did not answer in time");
  expect(opened).toBe(2);
  await hanging.close();
});
