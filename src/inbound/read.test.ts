import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import records from "../../test/fixtures/inbound/signed-records.json" with { type: "json" };
import { dnsTable } from "../../test/support/dns-table.ts";
import { type InboundScene, inboundScene } from "../../test/support/inbound-scene.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { StorageUnavailable } from "../errors.ts";
import { makeReturnPath } from "../mail/verp.ts";
import { startThreads } from "../threads/threads.ts";
import { readingInbound } from "./read.ts";
import { inboundRaws } from "./schema.ts";

const fixture = async (name: string) =>
  (await Bun.file(join(import.meta.dir, "../../test/fixtures/inbound", name)).text())
    .replaceAll(/\r?\n/g, "\r\n")
    .replace(/\r\n$/, "");

/** The payloads of reports that wait for the room of deliveries. */
async function reports({ app }: InboundScene) {
  const rows = await app.db.values<[string]>(
    sql`select payload from jobs where kind = 'report_received' order by id`,
  );
  return rows.map(([payload]) => JSON.parse(payload));
}

async function reportingScene() {
  const scene = await inboundScene();
  const { app, teamId } = scene;
  await testDomain(app, teamId, "sends.test");
  const [delivery] = await addWaiting(app, teamId, {});
  const secret = app.secrets.derive("return-path");
  const returnPath = makeReturnPath({ deliveryId: delivery!.id, domain: "send.sends.test", secret });
  return { ...scene, delivery: delivery!, returnPath };
}

describe("what came to a return path", () => {
  test("and is a report is no mail: the room of deliveries hears of it, and nobody else", async () => {
    const scene = await reportingScene();
    await scene.hand(await fixture("dsn-failed.eml"), scene.returnPath, "");
    await scene.read();
    const [row] = await scene.rows();
    expect(row).toMatchObject({ kind: "report", deliveryId: scene.delivery.id, mailFrom: "" });
    expect(await scene.received()).toEqual([]);
    expect(await reports(scene)).toEqual([
      {
        inboundId: row!.id,
        report: expect.objectContaining({ kind: "delivery_status" }),
        deliveryId: scene.delivery.id,
        role: "return_path",
        isAutomatic: true,
      },
    ]);
  });

  test.each(["auto-reply.eml", "challenge.eml", "bounce-quoted.eml"])("and is %s is mail", async (name) => {
    const scene = await reportingScene();
    await scene.hand(await fixture(name), scene.returnPath, "");
    await scene.read();
    const [row] = await scene.rows();
    expect(row).toMatchObject({ kind: "email", deliveryId: scene.delivery.id });
    expect(await scene.received()).toMatchObject([{ data: { email_id: row!.id } }]);
    expect(await reports(scene)).toMatchObject([
      { inboundId: row!.id, report: null, deliveryId: scene.delivery.id, role: "return_path" },
    ]);
  });
});

describe("a complaint", () => {
  test("at abuse@ or fbl@ is a report, and other mail there is mail", async () => {
    const scene = await reportingScene();
    await scene.hand(await fixture("arf-abuse.eml"), "fbl@sends.test");
    await scene.read();
    await scene.hand("Subject: please stop\r\n\r\nI did not ask for this", "abuse@sends.test");
    await scene.read();
    expect((await scene.rows()).map(({ kind }) => kind)).toEqual(["report", "email"]);
    expect(await scene.received()).toHaveLength(1);
    expect(await reports(scene)).toMatchObject([
      { report: { kind: "complaint", feedbackType: "abuse" }, deliveryId: null, role: "abuse" },
      { report: null, role: "abuse" },
    ]);
  });

  test("at anybody's mailbox is mail as well: anybody can write one", async () => {
    const scene = await reportingScene();
    await scene.hand(await fixture("arf-abuse.eml"), "bob@example.com");
    await scene.hand("Subject: plain\r\n\r\nhi", "bob@example.com");
    await scene.read();
    expect((await scene.rows()).map(({ kind }) => kind)).toEqual(["email", "email"]);
    expect(await scene.received()).toHaveLength(2);
    expect(await reports(scene)).toMatchObject([{ report: { kind: "complaint" }, role: "mailbox" }]);
  });
});

test("who vouches for a message is checked as it came, and written beside it", async () => {
  const entries = Object.entries(records).map(([name, value]) => [`${name} TXT`, value] as const);
  const scene = await inboundScene({ dns: dnsTable(Object.fromEntries(entries)) });
  const forged = "Authentication-Results: mail.mailit.test; dkim=pass header.d=bank.test\r\n";
  await scene.hand(`${forged}${await fixture("signed-relaxed.eml")}`, "a@example.com", "ada@author.example");
  await scene.read();
  const [row] = await scene.rows();
  expect(row!.verdicts).toMatchObject({
    spf: { result: "fail", domain: "author.example" }, // 127.0.0.1 is none of its hosts
    dkim: [{ result: "pass", domain: "author.example", isAligned: true }],
    dmarc: { result: "pass", policy: "reject" },
  });
  const body = await scene.body(row!.id);
  expect(body!.results).toStartWith("Authentication-Results: mail.mailit.test;\r\n");
  expect(body!.headers["authentication-results"]).toStartWith("mail.mailit.test; ");
  expect(body!.headers["authentication-results"]).not.toContain("bank.test");
  expect(body!.headers["received-spf"]).toStartWith("fail ");
  expect(body!.headers["return-path"]).toBe("<ada@author.example>");
});

eachTransport((_name, open) => {
  test("mail is the same on every database, its bytes included", async () => {
    const scene = await inboundScene({ transport: await open() });
    const message = Buffer.from("Subject: b\xffytes\r\n\r\n\x00\x80\xff", "latin1").toString("latin1");
    await scene.hand(message, "a@example.com");
    await scene.read();
    await scene.dispatcher.stop();
    const [row] = await scene.rows();
    expect(row).toMatchObject({ kind: "email", receivedFor: ["a@example.com"], createdAt: scene.app.now() });
    expect(await scene.received()).toHaveLength(1);
    const raw = await scene.app.db.select().from(inboundRaws).where(eq(inboundRaws.inboundId, row!.id)).get();
    expect(raw!.bytes.toString("latin1")).toEndWith(`${message}\r\n`);
  });
});

test("what has been tried too often, as when the program itself went down with it, is not read again", async () => {
  const scene = await inboundScene();
  await scene.dispatcher.stop();
  await scene.hand("Subject: deadly\r\n\r\nhi", "a@example.com");
  const [row] = await scene.rows();
  let reads = 0;
  scene.app.threads.read = async () => {
    reads++;
    throw new Error("not again");
  };
  const held = { id: "", attempt: 4, createdAt: new Date(), lane: "", signal: new AbortController().signal };
  const payload = { inboundId: row!.id, place: "mailbox", webhookId: null };
  await atomically(scene.app, (await readingInbound.run(scene.app, payload, held)).writes);
  expect(await scene.rows()).toMatchObject([
    { kind: "email", subject: "deadly", problem: expect.any(String) },
  ]);
  expect(reads).toBe(0);
});

describe("beside each other are read", () => {
  /** How many of two messages are read at once, at this attempt and said to be of this size. */
  async function atOnce(attempt: number, size: number): Promise<number> {
    const scene = await inboundScene();
    await scene.dispatcher.stop();
    const { app } = scene;
    await scene.hand("Subject: one\r\n\r\nhi", "a@example.com");
    await scene.hand("Subject: two\r\n\r\nhi", "a@example.com");
    await atomically(app, [rawWrite("update inbound_emails set size = ?", [size])]);
    const { read } = app.threads;
    let now = 0;
    let most = 0;
    app.threads.read = async (...asked) => {
      most = Math.max(most, ++now);
      const done = await read(...asked);
      now--;
      return done;
    };
    const rows = await scene.rows();
    await Promise.all(
      rows.map(({ id }) => {
        const held = { id, attempt, createdAt: new Date(), lane: "", signal: new AbortController().signal };
        return readingInbound.run(app, { inboundId: id, place: "mailbox", webhookId: null }, held);
      }),
    );
    return most;
  }

  test("all, but not those that were not read before: one of them may be what killed the reader", async () => {
    expect(await atOnce(1, 100)).toBe(2);
    expect(await atOnce(2, 100)).toBe(1);
  });

  test("no more large ones than memory bears", async () => {
    expect(await atOnce(1, 10_000_000)).toBe(2);
    expect(await atOnce(1, 20_000_000)).toBe(1);
  });
});

test("mail that is read twice is there once", async () => {
  const scene = await inboundScene();
  await scene.dispatcher.stop();
  await scene.hand("Subject: twice\r\n\r\nhi", "a@example.com");
  const [row] = await scene.rows();
  const held = { id: "", attempt: 1, createdAt: new Date(), lane: "", signal: new AbortController().signal };
  const payload = { inboundId: row!.id, place: "mailbox", webhookId: null };
  // Both did the work before either had written it down; the job's fence lets one of them write.
  const [one, two] = await Promise.all([
    readingInbound.run(scene.app, payload, held),
    readingInbound.run(scene.app, payload, held),
  ]);
  await atomically(scene.app, one.writes);
  await expect(atomically(scene.app, two.writes)).rejects.toThrow();
  expect(await readingInbound.run(scene.app, payload, held)).toEqual({ kind: "done", writes: [] });
  expect(await scene.received()).toHaveLength(1);
});

test("mail that was removed before it was read needs no reading", async () => {
  const scene = await inboundScene();
  const { read } = scene.app.threads;
  scene.app.threads.read = async (...asked) => {
    const done = await read(...asked);
    await atomically(scene.app, [rawWrite("delete from inbound_emails")]);
    return done;
  };
  await scene.hand("Subject: gone\r\n\r\nhi", "a@example.com");
  await scene.read();
  scene.app.clock.advance(60_000);
  await scene.read();
  expect(await scene.rows()).toEqual([]);
  expect(await scene.app.db.values(sql`select kind from jobs`)).toEqual([]);
});

test("a blob store that is out of reach is waited for, and is no mark against the message", async () => {
  const scene = await inboundScene();
  const { put } = scene.app.blobs;
  let failures = 0;
  scene.app.blobs.put = async (bytes) => {
    if (failures++ < 1) throw new StorageUnavailable("The bucket is out of reach");
    return put.call(scene.app.blobs, bytes);
  };
  await scene.hand(await fixture("arf-abuse.eml"), "a@example.com");
  await scene.read();
  const [row] = await scene.rows();
  expect(row).toMatchObject({ kind: "email", problem: null });
  expect((await scene.attachments(row!.id)).length).toBeGreaterThan(0);
});

test("a bucket that can't be read is waited for too, and is no mark against a large message", async () => {
  const scene = await inboundScene();
  const { blobs } = scene.app;
  const get = blobs.get.bind(blobs);
  let failures = 0;
  blobs.fileOf = undefined; // as in a bucket
  blobs.get = async (hash) => {
    if (failures++ < 1) throw new StorageUnavailable("The bucket is out of reach");
    return get(hash);
  };
  await scene.hand(`Subject: large\r\n\r\n${"x\r\n".repeat(70_000)}`, "a@example.com");
  await scene.read();
  const [row] = await scene.rows();
  expect(row).toMatchObject({ kind: "email", subject: "large", problem: null });
  expect((await scene.body(row!.id))!.text).toHaveLength(140_001);
});

test("a large message is not given up for a bucket that stays out of reach", async () => {
  const scene = await inboundScene();
  await scene.dispatcher.stop();
  await scene.hand(`Subject: large\r\n\r\n${"x\r\n".repeat(70_000)}`, "a@example.com");
  const [row] = await scene.rows();
  scene.app.blobs.fileOf = undefined;
  scene.app.blobs.get = async () => {
    throw new StorageUnavailable("The bucket is out of reach");
  };
  const held = { id: "", attempt: 3, createdAt: new Date(), lane: "", signal: AbortSignal.abort() };
  const payload = { inboundId: row!.id, place: "mailbox", webhookId: null };
  await expect(readingInbound.run(scene.app, payload, held)).rejects.toThrow(StorageUnavailable);
});

describe("a message that takes its reader with it", () => {
  const deaths = {
    "kills it": "onmessage = () => process.exit(1)",
    "hangs it": "onmessage = () => {}",
  };
  test.each(Object.entries(deaths))(
    "and %s is tried three times, and then shown by its head",
    async (_way, script) => {
      const scene = await inboundScene();
      const { app } = scene;
      const path = join(app.folder, "reader.js");
      await Bun.write(path, script);
      let opened = 0;
      const deadly = startThreads({
        ...{ count: 1, log: app.log, patienceMs: 40 },
        openWorker() {
          opened++;
          return new Worker(path);
        },
      });
      app.threads.read = deadly.read;
      const head = "From: Ada <ada@sender.test>\r\nTo: a@example.com\r\nSubject: deadly\r\nMessage-ID: <d@s>";
      for (const body of ["small", "x\r\n".repeat(70_000)]) {
        await scene.hand(`${head}\r\n\r\n${body}`, "a@example.com");
      }
      for (const waitMs of [0, 20_000, 60_000]) {
        app.clock.advance(waitMs);
        await scene.read();
      }
      await deadly.close();
      expect(opened).toBeGreaterThanOrEqual(3);
      expect(await scene.received()).toHaveLength(2);
      const rows = await scene.rows();
      for (const row of rows) {
        expect(row).toMatchObject({
          ...{ kind: "email", subject: "deadly", sender: "Ada <ada@sender.test>", messageId: "<d@s>" },
          ...{ recipients: ["a@example.com"], verdicts: null },
          problem:
            "The message could not be read: only its head is shown here, and the whole can be downloaded.",
        });
        expect(await scene.body(row.id)).toMatchObject({
          ...{ html: null, text: null },
          headers: { subject: "deadly", "return-path": "<ada@sender.test>" },
        });
      }
    },
  );
});
