import { describe, expect, test } from "bun:test";
import { type InboundScene, inboundScene } from "../../test/support/inbound-scene.ts";
import { addReceived } from "../../test/support/received-mail.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { findEmail, listDeliveries } from "../emails/store.ts";
import { newId } from "../ids.ts";
import { invite } from "../invitations/service.ts";
import { createKey } from "../keys/service.ts";
import { createWebhook } from "../webhooks/service.ts";

const lines = (text: string) => text.replaceAll("\n", "\r\n");

const letter = lines(`From: Ada Lovelace <ada@sender.test>
To: Support <support@example.com>
Cc: boss@example.com
Reply-To: replies@sender.test
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <1@sender.test>
X-Twice: one
X-Twice: two
MIME-Version: 1.0
Content-Type: multipart/related; boundary=b

--b
Content-Type: text/html

<p>Hello <img src="cid:logo@1"></p>
--b
Content-Type: image/png
Content-Disposition: inline; filename=logo.png
Content-ID: <logo@1>
Content-Transfer-Encoding: base64

iVBORw==
--b--
`);

async function keyOf({ app, teamId }: InboundScene): Promise<string> {
  return (await createKey(app, teamId, { name: "test", permission: "full_access" })).token;
}

const link = /^http:\/\/mailit\.test\/attachments\/download\?token=[\w.-]+$/;

test("the official SDK lists and gets what came in, key by key", async () => {
  const scene = await inboundScene();
  const { app } = scene;
  const sdk = testServer(app).sdk(await keyOf(scene));
  await scene.hand(letter, "support@example.com");
  await scene.read();

  const { data: list } = await sdk.emails.receiving.list();
  const file = {
    ...{ id: expect.any(String), filename: "logo.png", size: 4, content_type: "image/png" },
    ...{ content_disposition: "inline", content_id: "logo@1" },
  };
  const item = {
    id: expect.any(String),
    to: ["Support <support@example.com>"],
    from: "Ada Lovelace <ada@sender.test>",
    created_at: app.now().toISOString(),
    subject: "Grüße",
    ...{ bcc: [], cc: ["boss@example.com"], reply_to: ["replies@sender.test"] },
    received_for: ["support@example.com"],
    message_id: "<1@sender.test>",
    attachments: [file],
  };
  expect<unknown>(list).toEqual({ object: "list", has_more: false, data: [item] });

  const { id } = list!.data[0]!;
  const inAnHour = new Date(app.now().getTime() + 3_600_000).toISOString();
  const linked = { download_url: expect.stringMatching(link), expires_at: inAnHour };
  const { data: email } = await sdk.emails.receiving.get(id);
  expect<unknown>(email).toEqual({
    object: "email",
    ...item,
    id,
    html: expect.stringContaining('<p>Hello <img src="data:image/png;base64,iVBORw=="></p>'),
    html_format: "data_uri",
    text: null,
    headers: expect.objectContaining({ subject: expect.any(String), "x-twice": "one\ntwo" }),
    raw: linked,
    kind: "email",
    ...{ mail_from: "ada@sender.test", remote_address: "127.0.0.1", tls: null, delivery_id: null },
    client_name: "mx.sender.test",
    verdicts: expect.objectContaining({
      ...{ spf: expect.objectContaining({ result: "none" }), dkim: [] },
      dmarc: expect.objectContaining({ result: "none" }),
    }),
    ...{ problem: null, size: letter.length + 2 }, // it is handed in with a line break behind it
  });
  for (const [name, value] of Object.entries(email!.headers!)) {
    expect([name, typeof value]).toEqual([name.toLowerCase(), "string"]);
  }
  const { data: asLinks } = await sdk.emails.receiving.get(id, { html_format: "cid" });
  expect<unknown>(asLinks).toMatchObject({
    html: expect.stringContaining('src="cid:logo@1"'),
    html_format: "cid",
  });

  const { data: files } = await sdk.emails.receiving.attachments.list({ emailId: id });
  expect<unknown>(files).toEqual({ object: "list", has_more: false, data: [{ ...file, ...linked }] });
  const [first] = files!.data;
  const { data: got } = await sdk.emails.receiving.attachments.get({ emailId: id, id: first!.id });
  expect<unknown>(got).toEqual({ object: "attachment", ...first });
});

test("which webhooks were told of it, and what came of that, stands with a received email", async () => {
  const scene = await inboundScene();
  const { app, teamId } = scene;
  const key = await keyOf(scene);
  const { ask } = testServer(app);
  const endpoint = "https://hooks.example.com/in";
  const { webhook } = await createWebhook(app, teamId, { endpoint, events: ["email.received"] });
  await createWebhook(app, teamId, { endpoint: "https://hooks.example.com/out", events: ["email.sent"] });
  await scene.hand(letter, "support@example.com");
  await scene.read();
  const [{ id }] = (await ask("GET", "/emails/receiving", { key })).body.data;
  const { body } = await ask("GET", `/emails/receiving/${id}/webhook-events`, { key });
  expect(body.data).toEqual([
    {
      ...{ object: "webhook_event", id: expect.stringMatching(/^msg_/), webhook_id: webhook.id, endpoint },
      ...{ type: "email.received", status: "pending", attempts: 0 },
    },
  ]);
  const event = await ask("GET", `/webhooks/${webhook.id}/events/${body.data[0].id}`, { key });
  expect(event.body.payload.data).toMatchObject({ email_id: id });
  const { key: another } = await testTeam(app, "Another");
  expect((await ask("GET", `/emails/receiving/${id}/webhook-events`, { key: another })).status).toBe(404);
});

const app = await testApp();
const server = testServer(app);
const { teamId, key } = await testTeam(app);
const other = await testTeam(app, "Other");

describe("the list", () => {
  test("is paged by limit, after and before, newest first", async () => {
    const team = await testTeam(app, "Paged");
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift(await addReceived(app, team.teamId));
    const sdk = server.sdk(team.key);
    const page = async (options: { limit?: number; after?: string } | { before: string; limit?: number }) => {
      const { data } = await sdk.emails.receiving.list(options);
      return [data!.data.map(({ id }) => ids.indexOf(id)), data!.has_more];
    };
    expect(await page({})).toEqual([[0, 1, 2, 3, 4], false]);
    expect(await page({ limit: 2 })).toEqual([[0, 1], true]);
    expect(await page({ limit: 2, after: ids[1]! })).toEqual([[2, 3], true]);
    expect(await page({ limit: 2, after: ids[3]! })).toEqual([[4], false]);
    expect(await page({ limit: 2, before: ids[4]! })).toEqual([[2, 3], true]);
    expect(await page({ limit: 2, before: ids[2]! })).toEqual([[0, 1], false]);
  });

  test("without a limit holds more than a page, and never more than 500", async () => {
    const team = await testTeam(app, "Many");
    for (let n = 0; n < 501; n++) await addReceived(app, team.teamId);
    const { data } = await server.sdk(team.key).emails.receiving.list();
    expect([data!.data.length, data!.has_more]).toEqual([500, true]);
  });

  test("has reports only for who asks for them", async () => {
    const team = await testTeam(app, "Reports");
    const email = await addReceived(app, team.teamId);
    const report = await addReceived(app, team.teamId, { kind: "report" });
    const list = async (query: string) => {
      const { body } = await server.ask("GET", `/emails/receiving${query}`, { key: team.key });
      return body.data.map(({ id }: { id: string }) => id);
    };
    expect(await list("")).toEqual([email]);
    expect(await list("?kind=email")).toEqual([email]);
    expect(await list("?kind=report")).toEqual([report]);
    const { body } = await server.ask("GET", `/emails/receiving/${report}`, { key: team.key });
    expect(body.kind).toBe("report");
  });
});

test("mail without a message id, a name or anything else has empty fields, and none is missing", async () => {
  const id = await addReceived(app, teamId, {
    ...{ messageId: null, sender: "", recipients: [], subject: "", problem: "It could not be read." },
    attachments: [{ content: "x" }],
  });
  const { body } = await server.ask("GET", `/emails/receiving/${id}`, { key });
  expect(body).toMatchObject({
    ...{ message_id: "", from: "", to: [], subject: "", html: null, text: null, headers: {} },
    ...{ verdicts: null, problem: "It could not be read." },
    attachments: [{ filename: null, content_id: null, content_disposition: "attachment" }],
  });
});

test("a signature's verdict says whether it is aligned", async () => {
  const dkim = { result: "pass", domain: "sender.test", selector: "s", isAligned: true };
  const none = { result: "none" };
  const id = await addReceived(app, teamId, {
    verdicts: { spf: none, dkim: [dkim], dmarc: none, arc: none },
  });
  const { body } = await server.ask("GET", `/emails/receiving/${id}`, { key });
  expect(body.verdicts).toEqual({
    ...{ spf: none, dmarc: none, arc: none },
    dkim: [{ result: "pass", domain: "sender.test", selector: "s", is_aligned: true }],
  });
});

test("a received email is deleted, once", async () => {
  const id = await addReceived(app, teamId, { attachments: [{ content: "x" }] });
  const path = `/emails/receiving/${id}`;
  expect((await server.ask("DELETE", path, { key: other.key })).status).toBe(404);
  expect(await server.ask("DELETE", path, { key })).toMatchObject({
    status: 200,
    body: { object: "email", id, deleted: true },
  });
  for (const [method, rest] of [
    ["DELETE", ""],
    ["GET", ""],
    ["GET", "/attachments"],
  ] as const) {
    expect(await server.ask(method, path + rest, { key })).toMatchObject({
      status: 404,
      body: { name: "not_found", message: "Email not found" },
    });
  }
});

test("what came in is searched, page by page", async () => {
  const { teamId, key } = await testTeam(app);
  const attachments = [{ content: "x" }];
  const first = await addReceived(app, teamId, { subject: "Your invoice", attachments });
  const second = await addReceived(app, teamId, { sender: "Invoices <eve@sender.test>" });
  await addReceived(app, teamId, { subject: "Hello" });
  await addReceived(app, other.teamId, { subject: "invoice" });
  const page = await server.ask("GET", "/emails/receiving?search=INVOICE&limit=1", { key });
  expect(page).toMatchObject({ status: 200, body: { has_more: true, data: [{ id: second }], next: second } });
  const rest = await server.ask("GET", `/emails/receiving?search=INVOICE&limit=1&after=${second}`, { key });
  expect(rest.body).toMatchObject({ has_more: false, data: [{ id: first, attachments: [{ size: 1 }] }] });
  const reports = await server.ask("GET", "/emails/receiving?search=invoice&kind=report", { key });
  expect(reports.body.data).toEqual([]);
});

describe("is refused:", () => {
  test("another team's email, one that has not been read, and one that is not there", async () => {
    const attachments = [{ content: "x" }];
    const theirs = await addReceived(app, other.teamId, { attachments });
    const sdk = server.sdk(other.key);
    const [file] = (await sdk.emails.receiving.attachments.list({ emailId: theirs })).data!.data;
    const unread = await addReceived(app, teamId, { kind: "unread" });
    for (const id of [theirs, unread, newId(), "x", "%00"]) {
      for (const rest of ["", "/attachments", `/attachments/${file!.id}`]) {
        expect(await server.ask("GET", `/emails/receiving/${id}${rest}`, { key })).toMatchObject({
          status: 404,
          body: { name: "not_found", message: "Email not found" },
        });
      }
    }
  });

  test("an attachment that is another email's or not there", async () => {
    const id = await addReceived(app, teamId);
    const another = await addReceived(app, teamId, { attachments: [{ content: "x" }] });
    const sdk = server.sdk(key);
    const [file] = (await sdk.emails.receiving.attachments.list({ emailId: another })).data!.data;
    for (const attachmentId of [file!.id, newId(), "x"]) {
      const { error } = await sdk.emails.receiving.attachments.get({ emailId: id, id: attachmentId });
      expect(error).toMatchObject({ statusCode: 404, name: "not_found", message: "Attachment not found" });
    }
  });

  test.each([
    ["?limit=0", "The pagination limit must be a number"],
    [`?after=${newId()}&before=${newId()}`, "cannot be used together"],
    [`?search=a&before=${newId()}`, "A search goes on with `after`"],
    ["?kind=unread", "Invalid `kind` field. It must be"],
    [`/${newId()}?html_format=raw`, "Invalid `html_format` field. It must be"],
    [`/${newId()}/attachments?limit=101`, "The pagination limit must be a number"],
  ])("%s", async (rest, sentence) => {
    expect(await server.ask("GET", `/emails/receiving${rest}`, { key })).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining(sentence) },
    });
  });
});

test("what answers an invitation is read by who may invite: it may quote the link", async () => {
  const app = await testApp();
  const { teamId, key } = await testTeam(app);
  await testDomain(app, teamId, "sends.example");
  const { handing } = await invite(app, teamId, {
    email: "boss@far.test",
    role: "admin",
    invitedBy: "a@b.test",
  });
  if (handing.kind !== "mailed") throw new Error("it was not mailed");
  const { text } = (await findEmail(app.db, teamId, handing.emailId))!;
  const quoting = await addReceived(app, teamId, {
    ...{ text: `I am away.\n\n> ${text!.replaceAll("\n", "\n> ")}`, attachments: [{ content: "x" }] },
  });
  const report = await addReceived(app, teamId, { kind: "report", text: "It is late." });
  const [delivery] = await listDeliveries(app.db, teamId, handing.emailId);
  await atomically(app, [
    rawWrite("update inbound_emails set delivery_id = ? where id = ?", [delivery!.id, report]),
  ]);
  const plain = await addReceived(app, teamId, { text: "Hi" });

  const { ask } = testServer(app);
  const person = { teamId, password: "correct horse", name: "Eve" };
  const viewer = await addUser(app, { ...person, role: "viewer", email: "viewer@example.com" });
  const admin = await addUser(app, { ...person, role: "admin", email: "admin@example.com" });
  const statuses = async (path: string) => {
    const keys = [await issueToken(app, viewer, teamId), await issueToken(app, admin, teamId), key];
    return Promise.all(keys.map(async (each) => (await ask("GET", path, { key: each })).status));
  };
  for (const id of [quoting, report]) {
    expect(await statuses(`/emails/receiving/${id}`)).toEqual([403, 200, 200]);
    expect(await statuses(`/emails/receiving/${id}/attachments`)).toEqual([403, 200, 200]);
    expect(await statuses(`/inbound/emails/${id}`)).toEqual([403, 200, 200]);
  }
  expect(await statuses(`/emails/receiving/${plain}`)).toEqual([200, 200, 200]);
});
