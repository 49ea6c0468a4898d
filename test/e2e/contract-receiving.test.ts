/** Section 4 of the contract by the official SDK against the executable: every method, success and refusal, on real mail. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { newId } from "../../src/ids.ts";
import {
  count,
  differences,
  each,
  filled,
  is,
  like,
  listDifferences,
  ok,
  orNull,
  refused,
  type Shape,
  startContractServer,
  text,
  time,
  url,
  uuid,
} from "./contract.ts";
import { handIn } from "./hand-in.ts";
import { account, lastEventOf, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger } = server;
const absent = newId();

const file: Shape = {
  id: uuid,
  filename: orNull(filled),
  size: count,
  content_type: filled,
  content_disposition: is("inline", "attachment", null),
  content_id: orNull(filled),
};
const linkedFile: Shape = { ...file, download_url: url, expires_at: time };
const addresses = each(filled);
const item: Shape = {
  id: uuid,
  to: addresses,
  from: filled,
  created_at: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(value)),
  subject: text,
  bcc: orNull(addresses),
  cc: orNull(addresses),
  reply_to: orNull(addresses),
  received_for: addresses,
  message_id: (value) => /^<[^<>]+@[^<>]+>$/.test(String(value)),
  attachments: each(like(file)),
};
const lowerCased = (value: unknown): boolean =>
  Object.entries(value as object).every(([name, each]) => name === name.toLowerCase() && text(each));
const email: Shape = {
  object: is("email"),
  ...item,
  html: orNull(text),
  html_format: is("data_uri", "cid"),
  text: orNull(text),
  headers: lowerCased,
  raw: like({ download_url: url, expires_at: time }),
};
const superset = [
  "kind",
  "mail_from",
  "remote_address",
  "tls",
  "delivery_id",
  "verdicts",
  "problem",
  "client_name",
  "size",
];

const letter = {
  from: "Bob <bob@elsewhere.test>",
  to: "Support <support@in.example.net>",
  cc: "carol@elsewhere.test",
  replyTo: "replies@elsewhere.test",
  subject: "Grüße",
  messageId: "<letter@elsewhere.test>",
  text: "Hello",
  html: '<p>Hello <img src="cid:logo"></p>',
  attachments: [
    { filename: "logo.png", content: Buffer.from("iVBORw==", "base64"), cid: "logo" },
    { filename: "big.bin", content: Buffer.alloc(300_000, "x") }, // the message is a blob then
  ],
};

let received: string;

/** Hands a message in and waits until it has been read. */
async function receive(message: object): Promise<string> {
  const id = (await handIn(server.inbound, message)).split(" ").at(-1)!;
  await until(`${id} has been read`, async () => (await resend.emails.receiving.get(id)).data ?? undefined);
  return id;
}

beforeAll(async () => {
  const { body: domain } = await server.api.post("/domains", {
    name: "in.example.net",
    capabilities: { sending: "disabled", receiving: "enabled" },
  });
  await server.api.post(`/domains/${domain.id}/verify`);
  await until("the domain receives", async () => {
    const { body } = await server.api.get(`/domains/${domain.id}`);
    return body.status === "verified" ? true : undefined;
  });
  received = await receive({
    ...letter,
    envelope: { from: "bob@elsewhere.test", to: ["support@in.example.net"] },
  });
});

test("emails.receiving.list tells what came in, page by page and key by key", async () => {
  const list = ok(await resend.emails.receiving.list());
  expect(listDifferences(list, item)).toEqual([]);
  expect(list.data.map(({ id }) => id)).toContain(received);
  expect(list.data.find(({ id }) => id === received)).toMatchObject({
    from: "Bob <bob@elsewhere.test>",
    to: ["Support <support@in.example.net>"],
    cc: ["carol@elsewhere.test"],
    reply_to: ["replies@elsewhere.test"],
    received_for: ["support@in.example.net"],
    message_id: "<letter@elsewhere.test>",
    subject: "Grüße",
  });
  const newer = await receive({ ...letter, to: "newer@in.example.net", cc: [] });
  const page = ok(await resend.emails.receiving.list({ limit: 1, after: newer }));
  expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[received], false]);
  const first = ok(await resend.emails.receiving.list({ limit: 1 }));
  expect([first.data.map(({ id }) => id), first.has_more]).toEqual([[newer], true]);
  expect(ok(await stranger.emails.receiving.list()).data).toEqual([]);
  expect(refused(await resend.emails.receiving.list({ limit: 101 }))).toMatch(
    /^422 validation_error: The pag/,
  );
});

test("emails.receiving.get gives the whole, its pictures inside or as links", async () => {
  const got = ok(await resend.emails.receiving.get(received));
  expect(differences(got, email, superset)).toEqual([]);
  expect<unknown>(got).toMatchObject({
    html: expect.stringContaining('<img src="data:image/png;base64,iVBORw==">'),
    html_format: "data_uri",
    text: expect.stringContaining("Hello"),
    headers: { "message-id": "<letter@elsewhere.test>", "return-path": "<bob@elsewhere.test>" },
    mail_from: "bob@elsewhere.test",
    tls: expect.stringContaining("TLSv1.3"),
    problem: null,
  });
  const links = ok(await resend.emails.receiving.get(received, { html_format: "cid" }));
  expect(differences(links, email, superset)).toEqual([]);
  expect<unknown>(links).toMatchObject({ html: letter.html, html_format: "cid" });

  const missing = "404 not_found: Email not found";
  expect(refused(await resend.emails.receiving.get(absent))).toBe(missing);
  expect(refused(await stranger.emails.receiving.get(received))).toBe(missing);
  const odd = { html_format: "raw" as "cid" };
  expect(refused(await resend.emails.receiving.get(received, odd))).toMatch(/^422 .*html_format/);
});

test("the message is downloaded without a key, whole or in part, by nobody with a forged link", async () => {
  const { raw } = ok(await resend.emails.receiving.get(received));
  const response = await fetch(raw!.download_url);
  const message = await response.text();
  expect(response.headers.get("content-type")).toBe("message/rfc822");
  expect(response.headers.get("content-disposition")).toStartWith(`attachment; filename="${received}.eml"`);
  expect(message).toMatch(/^Received-SPF: |^Authentication-Results: /);
  expect(message).toContain("\r\nReturn-Path: <bob@elsewhere.test>\r\nReceived: from mx.elsewhere.test");
  expect(message).toContain("Message-ID: <letter@elsewhere.test>");

  const part = await fetch(raw!.download_url, { headers: { range: "bytes=100-299999" } });
  expect([part.status, await part.text()]).toEqual([206, message.slice(100, 300_000)]);
  expect(part.headers.get("content-range")).toBe(`bytes 100-299999/${message.length}`);
  expect((await fetch(raw!.download_url.replace(/.$/, "!"))).status).toBe(404);
});

test("emails.receiving.attachments lists and gets files", async () => {
  const { attachments } = resend.emails.receiving;
  const list = ok(await attachments.list({ emailId: received }));
  expect(listDifferences(list, linkedFile)).toEqual([]);
  expect(list.data.map(({ filename, size }) => [filename, size])).toEqual([
    ["logo.png", 4],
    ["big.bin", 300_000],
  ]);
  const [first, second] = list.data;
  const page = ok(await attachments.list({ emailId: received, limit: 1, after: first!.id }));
  expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[second!.id], false]);
  const got = ok(await attachments.get({ emailId: received, id: first!.id }));
  expect(differences(got, { object: is("attachment"), ...linkedFile })).toEqual([]);
  const downloaded = await fetch(got.download_url);
  expect(Buffer.from(await downloaded.arrayBuffer()).toString("base64")).toBe("iVBORw==");

  const id = first!.id;
  expect(refused(await attachments.list({ emailId: absent }))).toBe("404 not_found: Email not found");
  expect(refused(await attachments.get({ emailId: received, id: absent }))).toBe(
    "404 not_found: Attachment not found",
  );
  const { receiving } = stranger.emails;
  expect(refused(await receiving.attachments.list({ emailId: received }))).toMatch(/^404 /);
  expect(refused(await receiving.attachments.get({ emailId: received, id }))).toMatch(/^404 /);
});

test("emails.receiving.forward sends it on, as it was or as a file", async () => {
  const to = "delivered@example.com";
  const from = `hello@${account.domain}`;
  const short = await receive({ ...letter, attachments: letter.attachments.slice(0, 1) });
  const onward = ok(await resend.emails.receiving.forward({ emailId: short, to, from }));
  expect(ok(await resend.emails.get(onward.id))).toMatchObject({
    subject: "Grüße",
    html: `${letter.html}\n`,
  });
  const files = ok(await resend.emails.attachments.list({ emailId: onward.id }));
  expect(files.data.map(({ filename, content_id }) => [filename, content_id])).toEqual([
    ["logo.png", "logo"],
  ]);
  await lastEventOf(server.api, onward.id, "delivered");

  const wrapped = ok(
    await resend.emails.receiving.forward({
      ...{ emailId: received, to, from },
      ...{ passthrough: false, text: "See below", html: "<p>See below</p>" },
    }),
  );
  const [eml] = ok(await resend.emails.attachments.list({ emailId: wrapped.id })).data;
  expect([eml!.filename, eml!.content_type]).toEqual(["forwarded_message.eml", "message/rfc822"]);
  await lastEventOf(server.api, wrapped.id, "delivered");

  expect(refused(await resend.emails.receiving.forward({ emailId: absent, to, from }))).toMatch(/^404 /);
  const mallory = "mallory@elsewhere.test";
  expect(refused(await resend.emails.receiving.forward({ emailId: short, to, from: mallory }))).toMatch(
    /^403 /,
  );
});

test("names that would leave their folder or their line do no harm", async () => {
  const id = await receive({
    ...letter,
    attachments: [
      { filename: '../../etc/"passwd"', content: "root" },
      { filename: "a\r\nX-Evil: 1.html", contentType: "text/html", content: "<script>alert(1)</script>" },
    ],
  });
  const { data: files } = ok(await resend.emails.receiving.attachments.list({ emailId: id }));
  expect(files).toHaveLength(2);
  for (const { download_url } of files) {
    const response = await fetch(download_url);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-evil")).toBeNull();
    expect(response.headers.get("content-type")).toBeOneOf(["application/octet-stream", "text/plain"]);
    expect(response.headers.get("content-disposition")).toMatch(
      /^attachment; filename="[^"/\\]*"; filename\*=/,
    );
    expect(response.headers.get("content-security-policy")).toStartWith("sandbox");
  }
});

test("what is deleted is gone, with the links to its files", async () => {
  const id = await receive({ ...letter, subject: "To be deleted" });
  const { raw } = ok(await resend.emails.receiving.get(id));
  const response = await fetch(`${server.url}/emails/receiving/${id}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${server.setup.api_key}` },
  });
  expect(await response.json()).toEqual({ object: "email", id, deleted: true });
  expect(refused(await resend.emails.receiving.get(id))).toBe("404 not_found: Email not found");
  expect((await fetch(raw!.download_url)).status).toBe(404);
});
