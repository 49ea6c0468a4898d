import { expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { type BroadcastScene, broadcastScene } from "../../test/support/broadcast-scene.ts";
import type { TestApp } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { saveContact } from "../contacts/save.ts";
import { contactImportErrors, contactImports } from "../contacts/schema.ts";
import { IncomingMessage } from "../emails/incoming.ts";
import { emails } from "../emails/schema.ts";
import { indexEmails } from "../emails/search-index.ts";
import { submitEmail } from "../emails/submit.ts";
import { recordEvent } from "../events/record.ts";
import { newId, newIdAt } from "../ids.ts";
import { insertBody, insertInboundAttachment, insertRaw, insertUnread, markRead } from "../inbound/store.ts";
import { flushLogs, noteRequest } from "../logs/record.ts";
import { parseAddress } from "../mail/address.ts";
import { createWebhook } from "../webhooks/service.ts";
import { getErasure, startErasure } from "./erase.ts";
import { nobody } from "./trace.ts";
import { erasing } from "./walk.ts";

const ada = "ada@recipient.test";
const bob = "bob@recipient.test";

const handled = (signal = new AbortController().signal) => ({
  ...{ id: "job", attempt: 1, createdAt: new Date(), lane: "", signal },
});

/** Runs an erasure to its end, however long it has to wait. */
async function finish(app: TestApp, erasureId: string): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const ending = await erasing.run(app, { erasureId }, handled());
    if (ending.kind === "done") return;
    app.clock.set(new Date(Math.max(ending.at.getTime(), app.now().getTime())));
  }
  throw new Error("the erasure does not end");
}

/** Every column of every table that names an address, as `table.column`. */
async function placesOf(app: TestApp, address: string): Promise<string[]> {
  const columns = await app.db.values<[string, string]>(
    sql`select t.name, c.name from sqlite_schema t join pragma_table_info(t.name) c where t.type = 'table'`,
  );
  const places: string[] = [];
  for (const [table, column] of columns) {
    const rows = await app.db.values(
      sql.raw(
        `select 1 from "${table}" where instr(lower(cast("${column}" as text)), '${address}') > 0 limit 1`,
      ),
    );
    if (rows.length > 0) places.push(`${table}.${column}`);
  }
  return places.sort();
}

async function receive(app: TestApp, teamId: string, from: string, deliveryId: string | null = null) {
  const id = newId();
  const blob = await app.blobs.put(Buffer.from(`picture of ${from}`));
  await atomically(app, [
    insertUnread({
      ...{ id, teamId, domainId: null, mailFrom: deliveryId ? "" : from, receivedFor: ["us@example.com"] },
      ...{ deliveryId, remoteAddress: "192.0.2.1", clientName: "mx", tls: null, blobHash: null, size: 1 },
      createdAt: app.now(),
    }),
    insertRaw({ inboundId: id, bytes: Buffer.from(`From: ${from}\r\n\r\nHello`) }),
    markRead({
      ...{ id, kind: deliveryId ? "report" : "email", messageId: null, sender: `Somebody <${from}>` },
      ...{ recipients: ["us@example.com"], cc: [], bcc: [], replyTo: [], subject: "Hello", problem: null },
      verdicts: null,
    }),
    insertBody({ inboundId: id, headers: { from }, html: null, text: `It is ${from}`, results: "" }),
    insertInboundAttachment({
      ...{ id: newId(), inboundId: id, position: 0, filename: null, contentType: "image/png" },
      ...{ contentDisposition: "attachment", contentId: null, size: 1, blobHash: blob.hash },
    }),
    ...recordEvent(app, { type: "email.received", teamId, emailId: id, data: { email_id: id, from } }),
  ]);
  return id;
}

/** Somebody who has been written to in every way there is. */
async function life({ app, teamId, send, broadcast, deliveries, dispatcher }: BroadcastScene) {
  await createWebhook(app, teamId, { endpoint: "https://hook.example/x", events: ["*"] });
  await saveContact(app, teamId, { email: ada, firstName: "Ada", unsubscribed: false });
  const alone = await send({
    to: ["Ada <ADA@recipient.test>"],
    html: "<p>Only for Ada</p>",
    subject: `For ${ada}`,
  });
  const shared = await send({
    ...{ to: [ada, bob], replyTo: [ada], headers: { "X-About": ada }, html: "<p>For both</p>" },
  });
  const later = await send({ to: [ada], scheduledAt: new Date(app.now().getTime() + 86_400_000) });
  const broadcastId = await broadcast({ subject: "Hi {{{contact.email}}}" });
  const incoming = new IncomingMessage(app.blobs);
  await incoming.write(Buffer.from(`From: ada@example.com\r\nTo: ${ada}, ${bob}\r\n\r\nBy SMTP\r\n`));
  const submitted = await submitEmail(app, { teamId }, [parseAddress(ada)!, parseAddress(bob)!], incoming);
  await dispatcher.drained();
  const [delivery] = await deliveries(alone);
  for (const recipient of [ada, bob]) {
    await atomically(
      app,
      recordEvent(app, {
        ...{ type: "email.opened", teamId, emailId: shared, recipient, data: { ip: "198.51.100.7" } },
      }),
    );
  }
  const received = await receive(app, teamId, ada);
  await receive(app, teamId, "mailer-daemon@recipient.test", delivery!.id);
  const kept = await receive(app, teamId, bob);
  await importWithErrors(app, teamId);
  for (const path of [`/contacts/ada%40recipient.test`, "/emails"]) {
    noteRequest(
      app,
      {
        ...{ teamId, id: newId(), keyId: null, method: "POST", path, userAgent: null, address: "192.0.2.9" },
        ...{ createdAt: app.now(), body: { to: path === "/emails" ? bob : "x" } },
      },
      { status: 200, body: {} },
    );
  }
  await flushLogs(app);
  return { alone, shared, later, broadcastId, submitted: submitted.id, received, kept };
}

async function importWithErrors(app: TestApp, teamId: string) {
  const id = newId();
  await atomically(app, [
    app.db.insert(contactImports).values({
      ...{ id, teamId, status: "completed", blobHash: null, size: 1, bytesRead: 1, total: 2, created: 0 },
      options: { onConflict: "upsert", segmentIds: [], topics: [] },
      ...{ updated: 0, skipped: 0, failed: 2, problem: null, createdAt: app.now(), completedAt: app.now() },
    }),
    app.db.insert(contactImportErrors).values([
      { importId: id, line: 2, message: `\`${ada}\` says neither true nor false` },
      { importId: id, line: 3, message: `\`${bob}\` says neither true nor false` },
    ]),
  ]);
}

const people = { [bob]: {}, [ada]: { firstName: "Ada" } };

test("an erasure leaves no trace of somebody in any table, and of others everything", async () => {
  const scene = await broadcastScene(people);
  const { app, teamId } = scene;
  const { alone, shared, later, broadcastId, submitted, kept } = await life(scene);
  expect((await placesOf(app, ada)).length).toBeGreaterThan(12);
  const bobs = await placesOf(app, bob);
  app.clock.set(new Date(Date.now() + 120_000)); // ids are made by the clock on the wall
  await indexEmails(app); // the words of emails are written behind them, and in no readable form
  const found = async (text: string) => {
    const { rows } = await app.transport.query(
      "select count(*) from email_search where email_search match ?",
      [`recipients : "${text}"`],
      "get",
    );
    return Number(rows[0]);
  };
  expect([await found("ada recipient"), await found("bob recipient")]).toEqual([4, 2]);

  const { id } = await startErasure(app, teamId, "Ada@Recipient.test");
  await finish(app, id);
  expect([await found("ada recipient"), await found("bob recipient")]).toEqual([0, 2]);

  expect(await placesOf(app, ada)).toEqual([]);
  expect(await placesOf(app, bob)).toEqual(bobs);
  const rows = (text: ReturnType<typeof sql>) => app.db.values(text);
  expect(await rows(sql`select id from emails where id in (${alone}, ${later})`)).toEqual([]);
  expect(await rows(sql`select recipients, reply_to from emails where id = ${shared}`)).toEqual([
    [JSON.stringify([nobody, bob]), JSON.stringify([nobody])],
  ]);
  expect(await rows(sql`select cast(raw as text) from email_sources where email_id = ${submitted}`)).toEqual([
    [`From: ada@example.com\r\nTo: ${nobody}, ${bob}\r\n\r\nBy SMTP\r\n`],
  ]);
  const { emailId } = await scene.get(broadcastId);
  expect(
    await rows(
      sql`select recipient, contact_id is null, merge_values is null from deliveries where email_id = ${emailId} order by id`,
    ),
  ).toEqual([
    [bob, 0, 0],
    [nobody, 1, 1],
  ]);
  expect(await rows(sql`select id from inbound_emails`)).toEqual([[kept]]);
  expect(await rows(sql`select message from contact_import_errors order by line`)).toEqual([
    ["What the row said was erased."],
    [`\`${bob}\` says neither true nor false`],
  ]);
  expect(await rows(sql`select html from contents where html like '%Only for Ada%'`)).toEqual([]);
  expect(await rows(sql`select count(*) from contents where html like '%For both%'`)).toEqual([[1]]);
  expect(
    await rows(sql`select count(*) from webhook_events w where not exists (
    select 1 from events where id = w.event_id)`),
  ).toEqual([[0]]);
  const erasure = await getErasure(app, teamId, id);
  expect(erasure).toMatchObject({ address: null, completedAt: expect.any(Date) });
  expect(erasure.counts).toMatchObject({
    ...{ contacts: 1, canceled: 1, emails: 2, shared_emails: 3, received: 2, requests: 1, import_errors: 1 },
  });
});

test("endpoints hear that the contact is gone, by the id alone", async () => {
  const { app, teamId, contacts } = await broadcastScene(people);
  const { id } = await startErasure(app, teamId, contacts[1]!.id);
  await finish(app, id);
  expect(
    await app.db.values(
      sql`select data ->> 'id', data ->> 'email' from events where type = 'contact.deleted'`,
    ),
  ).toEqual([[contacts[1]!.id, nobody]]);
});

test("who had left everything stays unmailable, and so does who bounced", async () => {
  const { app, teamId } = await broadcastScene({ [ada]: { unsubscribed: true } });
  await finish(app, (await startErasure(app, teamId, ada)).id);
  expect(await app.db.values(sql`select address, reason, source_id from suppressions`)).toEqual([
    [ada, "unsubscribe", null],
  ]);
  expect(await placesOf(app, ada)).toEqual(["suppressions.address"]);
});

test("a body that somebody else was sent is kept", async () => {
  const { app, teamId, send } = await broadcastScene({});
  await send({ to: [ada], html: "<p>News</p>" });
  await send({ to: [bob], html: "<p>News</p>" });
  await finish(app, (await startErasure(app, teamId, ada)).id);
  expect(await app.db.values(sql`select html from contents`)).toEqual([["<p>News</p>"]]);
});

test("a body is kept for an email that another clock has given an id of long ago", async () => {
  const { app, teamId, send } = await broadcastScene({});
  const id = await send({ to: [ada], html: "<p>News</p>" });
  const email = (await app.db.select().from(emails).where(eq(emails.id, id)).get())!;
  const early = newIdAt(new Date(app.now().getTime() - 90 * 86_400_000));
  const another = app.db
    .insert(emails)
    .values({ ...email, id: early, messageId: "<early@example.com>", recipients: [bob] });
  await atomically(app, [another]);
  await finish(app, (await startErasure(app, teamId, ada)).id);
  expect(await app.db.values(sql`select html from contents`)).toEqual([["<p>News</p>"]]);
});

test("the same address in another team is another person", async () => {
  const one = await broadcastScene({ [ada]: {} });
  const { id } = await startErasure(one.app, "another", ada).catch(() => ({ id: "" }));
  expect(id).toBe(""); // there is no such team
  await one.send({ to: [ada] });
  const before = await placesOf(one.app, ada);
  const other = newId();
  await one.app.transport.batch([
    { sql: "insert into teams (id, name, created_at) values (?, 'Other', 0)", params: [other] },
  ]);
  await finish(one.app, (await startErasure(one.app, other, ada)).id);
  expect(await placesOf(one.app, ada)).toEqual(before);
});

test("an erasure that is stopped goes on where it was", async () => {
  const scene = await broadcastScene(people);
  await life(scene);
  const { app, teamId } = scene;
  const { id: erasureId } = await startErasure(app, teamId, ada);
  let runs = 0;
  for (;;) {
    const stop = new AbortController();
    const run = erasing.run(app, { erasureId }, handled(stop.signal));
    setImmediate(() => stop.abort()); // after a step or two
    const ending = await run;
    if (ending.kind === "done") break;
    app.clock.set(new Date(Math.max(ending.at.getTime(), app.now().getTime())));
    if (++runs > 100) throw new Error("the erasure does not end");
  }
  expect(runs).toBeGreaterThan(3);
  expect(await placesOf(app, ada)).toEqual([]);
});
