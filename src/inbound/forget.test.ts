import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { sql } from "drizzle-orm";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { IncomingMessage } from "../emails/incoming.ts";
import { submitEmail } from "../emails/submit.ts";
import { newId } from "../ids.ts";
import { parseAddress } from "../mail/address.ts";
import { forgetOldInbound } from "./forget.ts";
import { insertBody, insertInboundAttachment, insertRaw, insertUnread } from "./store.ts";

const day = 86_400_000;

interface Wish {
  ageDays: number;
  blob?: string;
  attachment?: string;
}

/** Mail of some age that names these blobs, which are as old. */
async function addMail(app: TestApp, teamId: string, { ageDays, blob, attachment }: Wish): Promise<string> {
  const id = newId();
  const createdAt = new Date(app.now().getTime() - ageDays * day);
  const put = async (text: string | undefined) => {
    if (text === undefined) return null;
    const { hash } = await app.blobs.put(Buffer.from(text));
    utimesSync(app.blobs.fileOf!(hash), createdAt, createdAt);
    return hash;
  };
  const [blobHash, attachmentHash] = [await put(blob), await put(attachment)];
  const row = {
    ...{
      id,
      teamId,
      domainId: null,
      mailFrom: "",
      receivedFor: [],
      deliveryId: null,
      remoteAddress: "192.0.2.1",
    },
    ...{ clientName: "", tls: null, blobHash, size: 1, createdAt },
  };
  const about = { filename: null, contentType: "text/plain", contentDisposition: "attachment" as const };
  await atomically(app, [
    insertUnread(row),
    insertBody({ inboundId: id, headers: {}, html: null, text: null, results: "" }),
    ...(blobHash ? [] : [insertRaw({ inboundId: id, bytes: Buffer.from("raw") })]),
    ...(attachmentHash
      ? [
          insertInboundAttachment({
            ...{ id: newId(), inboundId: id, position: 0, ...about, contentId: null, size: 1 },
            blobHash: attachmentHash,
          }),
        ]
      : []),
  ]);
  return id;
}

const countOf = async (app: TestApp, table: string) =>
  (await app.db.values<[number]>(sql.raw(`select count(*) from ${table}`)))[0]![0];

async function hashOf(app: TestApp, text: string): Promise<boolean> {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return (await app.blobs.get(hash)) !== undefined;
}

eachTransport((_name, open) => {
  test("mail goes when it is old, in slices, with all that belongs to it; blobs an hour after their last name", async () => {
    const app = await testApp({
      ...{ transport: await open(), now: new Date() },
      config: { retention: { inbound: 30 * day } },
    });
    const { teamId } = await testTeam(app);
    for (let n = 0; n < 5; n++) await addMail(app, teamId, { ageDays: 31 + n, attachment: `only ${n}` });
    await addMail(app, teamId, { ageDays: 40, blob: "raw of the old", attachment: "shared" });
    const young = await addMail(app, teamId, { ageDays: 29, attachment: "shared" });

    await forgetOldInbound(app, 2);
    expect(await app.db.values(sql`select id from inbound_emails`)).toEqual([[young]]);
    expect(await countOf(app, "inbound_bodies")).toBe(1);
    expect(await countOf(app, "inbound_raws")).toBe(1);
    expect(await countOf(app, "inbound_attachments")).toBe(1);
    expect(await hashOf(app, "raw of the old")).toBe(true); // for an hour somebody may still be about to name it

    app.clock.advance(2 * 3_600_000);
    await forgetOldInbound(app, 2);
    for (const text of ["raw of the old", "only 0", "only 4"])
      expect([text, await hashOf(app, text)]).toEqual([text, false]);
    expect(await hashOf(app, "shared")).toBe(true);
    expect(await countOf(app, "unnamed_blobs")).toBe(0);
  });
});

test("a blob that an email of ours names stays", async () => {
  const app = await testApp({ now: new Date(), config: { retention: { inbound: day } } });
  const { teamId } = await testTeam(app);
  await addMail(app, teamId, { ageDays: 2, attachment: "sent as well" });
  await atomically(app, [
    rawWrite("insert into contents (id, created_at) values ('c', 0)"),
    rawWrite(
      `insert into emails (id, team_id, message_id, sender, recipients, cc, bcc, reply_to, subject, content_id, headers,
         tags, last_event, created_at)
       values ('e', ?, '', '', '[]', '[]', '[]', '[]', '', 'c', '{}', '[]', 'queued', 0)`,
      [teamId],
    ),
    rawWrite(
      "insert into attachments (id, email_id, position, size, blob_hash) select 'a', 'e', 0, 1, blob_hash from inbound_attachments",
    ),
  ]);
  await forgetOldInbound(app);
  app.clock.advance(2 * 3_600_000);
  await forgetOldInbound(app);
  expect(await hashOf(app, "sent as well")).toBe(true);
});

test("a blob that is a message which a user handed in stays", async () => {
  const app = await testApp({ now: new Date(), config: { retention: { inbound: day } } });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  const message = Buffer.from(`From: ada@example.com\r\n\r\n${"To ourselves as well\r\n".repeat(5_000)}`);
  await addMail(app, teamId, { ageDays: 2, attachment: message.toString() });
  const incoming = new IncomingMessage(app.blobs);
  await incoming.write(message);
  await submitEmail(app, { teamId }, [parseAddress("bob@recipient.test")!], incoming);
  await forgetOldInbound(app);
  app.clock.advance(2 * 3_600_000);
  await forgetOldInbound(app);
  expect(await hashOf(app, message.toString())).toBe(true);
});

test("a blob that was stored again meanwhile, and is not named yet, is asked about again later", async () => {
  const app = await testApp({ now: new Date(), config: { retention: { inbound: day } } });
  const { teamId } = await testTeam(app);
  await addMail(app, teamId, { ageDays: 2, attachment: "again" });
  await forgetOldInbound(app);
  app.clock.advance(2 * 3_600_000);
  const { hash } = await app.blobs.put(Buffer.from("again"));
  utimesSync(app.blobs.fileOf!(hash), app.now(), app.now());
  await forgetOldInbound(app);
  expect(await hashOf(app, "again")).toBe(true);
  expect(await countOf(app, "unnamed_blobs")).toBe(1);
  app.clock.advance(2 * 3_600_000);
  await forgetOldInbound(app);
  expect(await hashOf(app, "again")).toBe(false);
});

test("what had begun to come in when the program ended is removed after a day", async () => {
  const app = await testApp({ now: new Date() });
  const draft = await app.blobs.draft();
  await draft.write(Buffer.from("half a message"));
  const path = await draft.file();
  const isThere = () => Bun.file(path).exists();
  app.clock.advance(day - 60_000);
  await forgetOldInbound(app);
  expect(await isThere()).toBe(true);
  app.clock.advance(120_000);
  await forgetOldInbound(app);
  expect(await isThere()).toBe(false);
  await draft.discard();
});

test("mail that is kept for ever stays", async () => {
  const app = await testApp({ now: new Date() });
  const { teamId } = await testTeam(app);
  await addMail(app, teamId, { ageDays: 10_000, blob: "old" });
  await forgetOldInbound(app);
  expect(await countOf(app, "inbound_emails")).toBe(1);
});
