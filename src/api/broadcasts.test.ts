import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testContact, testSegment, testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { createTemplate, publishTemplate } from "../templates/service.ts";

const app = await testApp();
const server = testServer(app);
const { teamId, key } = await testTeam(app);
await testDomain(app, teamId);
const { key: strangersKey, teamId: strangers } = await testTeam(app);
const segment = await testSegment(app, teamId, [await testContact(app, teamId, "ada@recipient.test")]);
const topic = await testTopic(app, teamId);

const ask = (method: string, path: string, body?: unknown, by = key) =>
  server.ask(method, `/broadcasts${path}`, { key: by, body });
const whole = { segment_id: segment.id, from: "Ada <ada@example.com>", subject: "News", html: "<p>Hi</p>" };

async function make(changes: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await ask("POST", "", { ...whole, ...changes });
  expect([status, body]).toEqual([201, { object: "broadcast", id: expect.any(String) }]);
  return body.id;
}
const statusOf = async (id: string) => (await ask("GET", `/${id}`)).body.status;

test("a draft is as it was written, in the contract's shape", async () => {
  const id = await make({
    name: "March",
    reply_to: "x@example.com",
    preview_text: "Soon",
    topic_id: topic.id,
  });
  const item = {
    ...{ id, name: "March", audience_id: segment.id, segment_id: segment.id, status: "draft" },
    ...{ created_at: app.now().toISOString(), scheduled_at: null, sent_at: null, topic_id: topic.id },
  };
  expect((await ask("GET", `/${id}`)).body).toEqual({
    object: "broadcast",
    ...item,
    ...{ from: whole.from, subject: "News", reply_to: ["x@example.com"], preview_text: "Soon" },
    ...{
      html: "<p>Hi</p>",
      text: null,
      messages_per_minute: null,
      problem: null,
      ...{ started_at: null, expected_end_at: null, updated_at: app.now().toISOString() },
    },
    progress: {
      ...{ recipients: 0, delivered: 0, bounced: 0, failed: 0, suppressed: 0, canceled: 0, complained: 0 },
      ...{ unsubscribed: 0, opened: 0, clicked: 0, skipped_unsubscribed: 0 },
    },
  });
  const { body: list } = await ask("GET", "");
  expect(list).toMatchObject({ object: "list", has_more: false });
  expect(list.data[0]).toEqual(item);
});

test("the older name of a segment is taken", async () => {
  const id = await make({ segment_id: undefined, audience_id: segment.id.toUpperCase() });
  expect((await ask("GET", `/${id}`)).body.segment_id).toBe(segment.id);
});

test.each([
  ["no segment", { segment_id: undefined }, "missing_required_field", "Missing `segment_id` field."],
  ["no sender", { from: undefined }, "missing_required_field", "Missing `from` field."],
  ["no subject", { subject: undefined }, "missing_required_field", "Missing `subject` field."],
  ["no content", { html: undefined }, "validation_error", "Missing `html` or `text` field."],
  ["a sender that is no address", { from: "nobody" }, "invalid_from_address", /^Invalid `from` field/],
  ["a subject of two lines", { subject: "a\nb" }, "validation_error", /^Invalid `subject` field/],
  [
    "a reply_to that is no address",
    { reply_to: ["nobody"] },
    "validation_error",
    /^Invalid `reply_to` field/,
  ],
  [
    "a segment that is no id",
    { segment_id: "no" },
    "invalid_parameter",
    "The `segment_id` must be a valid UUID.",
  ],
  ["a topic that is no id", { topic_id: "no" }, "invalid_parameter", "The `topic_id` must be a valid UUID."],
  ["a rate of nothing", { messages_per_minute: 0 }, "validation_error", /messages_per_minute/],
  ["a rate beyond all", { messages_per_minute: 1e9 }, "validation_error", /messages_per_minute/],
  [
    "a thousand merge fields and one",
    { html: "{{{contact.plan}}}".repeat(1_001) },
    "validation_error",
    /1,000 merge fields/,
  ],
  ["a long name", { name: "x".repeat(201) }, "validation_error", /^Invalid `name` field/],
  [
    "a long preview text",
    { preview_text: "x".repeat(501) },
    "validation_error",
    /^Invalid `preview_text` field/,
  ],
  [
    "a time, and nothing that sends it",
    { scheduled_at: "in 1 hour" },
    "validation_error",
    /^Invalid `scheduled_at` field.*send: true/,
  ],
  [
    "a time that is over",
    { send: true, scheduled_at: "last friday" },
    "validation_error",
    /^Invalid `scheduled_at` field/,
  ],
] as const)("a broadcast with %s is refused", async (_, change, name, message) => {
  const { status, body } = await ask("POST", "", { ...whole, ...change });
  expect([status, body.name]).toEqual([422, name]);
  expect(body.message).toMatch(message);
});

test("segments and topics of another team are not found", async () => {
  const foreign = await testSegment(app, strangers);
  expect(await ask("POST", "", { ...whole, segment_id: foreign.id })).toMatchObject({
    status: 404,
    body: { message: "Audience not found" },
  });
  const { id: topicId } = await testTopic(app, strangers);
  expect(await ask("POST", "", { ...whole, topic_id: topicId })).toMatchObject({
    status: 404,
    body: { message: "Topic not found" },
  });
});

test("another team's broadcast is not found, whatever is asked of it", async () => {
  const id = await make();
  for (const [method, path, body] of [
    ["GET", ""],
    ["PATCH", "", { name: "Mine" }],
    ["DELETE", ""],
    ...["send", "cancel", "pause", "resume", "duplicate"].map((verb) => ["POST", `/${verb}`, {}] as const),
    ["GET", "/recipients?type=sent"],
    ["GET", "/clicked-links"],
  ] as const) {
    expect(await ask(method, `/${id}${path}`, body, strangersKey)).toMatchObject({
      status: 404,
      body: { name: "not_found", message: "Broadcast not found" },
    });
  }
  expect((await ask("GET", "/no-id")).status).toBe(404);
});

test("a draft is changed field by field, and null takes back what may be absent", async () => {
  const id = await make({ preview_text: "Soon", reply_to: ["x@example.com"], topic_id: topic.id });
  const changes = {
    subject: "Later",
    text: "Hi",
    html: null,
    preview_text: null,
    reply_to: null,
    topic_id: null,
  };
  expect((await ask("PATCH", `/${id}`, { ...changes, id })).body).toEqual({ object: "broadcast", id });
  expect((await ask("GET", `/${id}`)).body).toMatchObject({ ...changes, from: whole.from });
  expect(await ask("PATCH", `/${id}`, { text: null })).toMatchObject({
    status: 422,
    body: { message: "A broadcast needs `html` or `text`: leave it one of them." },
  });
});

test("a draft is sent at a time, taken back, sent at once; then it can't be changed any more", async () => {
  const id = await make();
  expect((await ask("POST", `/${id}/send`, { scheduled_at: "in 1 hour" })).body).toEqual({
    object: "broadcast",
    id,
  });
  expect((await ask("GET", `/${id}`)).body).toMatchObject({
    status: "scheduled",
    scheduled_at: new Date(app.now().getTime() + 3_600_000).toISOString(),
  });
  const refusedAs = async (method: string, path: string, body: unknown, message: RegExp) => {
    const answer = await ask(method, `/${id}${path}`, body);
    expect([answer.status, answer.body.name]).toEqual([422, "validation_error"]);
    expect(answer.body.message).toMatch(message);
  };
  await refusedAs("PATCH", "", { name: "x" }, /^Only draft broadcasts can be updated: this one is scheduled/);
  await refusedAs("DELETE", "", undefined, /^Only draft broadcasts can be deleted: this one is scheduled/);
  await refusedAs("POST", "/send", {}, /^Only draft broadcasts can be sent: this one is scheduled/);
  await refusedAs("POST", "/pause", {}, /^Only a broadcast that is being sent can be paused/);
  await refusedAs("POST", "/resume", {}, /^Only a paused broadcast can be resumed/);
  expect((await ask("POST", `/${id}/cancel`)).body).toEqual({ object: "broadcast", id });
  expect(await statusOf(id)).toBe("draft");
  await ask("POST", `/${id}/send`);
  expect(await statusOf(id)).toBe("queued");
  await atomically(app, [rawWrite("update broadcasts set status = 'sent' where id = ?", [id])]);
  await refusedAs("POST", "/cancel", {}, /^Only queued or scheduled broadcasts can be canceled$/);
});

test("of one that is on its way the rate can be changed, and nothing else", async () => {
  const id = await make({ send: true, messages_per_minute: 60 });
  const change = async (body: unknown) => {
    const { status, body: answer } = await ask("PATCH", `/${id}`, body);
    return status === 200 ? answer : `${status} ${answer.message}`;
  };
  const rate = async () => (await ask("GET", `/${id}`)).body.messages_per_minute;
  for (const status of ["scheduled", "queued", "sending", "paused"]) {
    await atomically(app, [rawWrite("update broadcasts set status = ? where id = ?", [status, id])]);
    expect(await change({ messages_per_minute: 7 })).toEqual({ object: "broadcast", id });
    expect(await rate()).toBe(7);
    expect(await change({ messages_per_minute: null })).toEqual({ object: "broadcast", id });
    expect(await rate()).toBeNull();
    expect(await change({ messages_per_minute: 0 })).toStartWith("422 Invalid `messages_per_minute` field.");
    expect(await change({ messages_per_minute: 8, subject: "Later" })).toBe(
      `422 Only draft broadcasts can be updated: this one is ${status}. Of one that is on its way only \`messages_per_minute\` can be changed, and nothing else beside it.`,
    );
    expect(await rate()).toBeNull();
  }
  for (const status of ["sent", "canceled"]) {
    await atomically(app, [rawWrite("update broadcasts set status = ? where id = ?", [status, id])]);
    expect(await change({ messages_per_minute: 7 })).toBe(
      `422 Only the rate of a draft, or of a broadcast that is on its way, can be changed: this one is ${status}.`,
    );
    expect(await change({ name: "x" })).toStartWith("422 Only draft broadcasts can be updated");
  }
});

test("send: true sends what it makes, and makes nothing that may not be sent", async () => {
  expect(await statusOf(await make({ send: true }))).toBe("queued");
  expect(await statusOf(await make({ send: true, scheduled_at: "tomorrow at 9am" }))).toBe("scheduled");
  const count = async () => (await ask("GET", "")).body.data.length;
  const before = await count();
  expect(await ask("POST", "", { ...whole, send: true, from: "a@nobody.test" })).toMatchObject({
    status: 403,
    body: {
      name: "validation_error",
      message: expect.stringContaining("The nobody.test domain is not verified"),
    },
  });
  expect(await count()).toBe(before);
});

test("a draft from a domain that is not verified can't be sent", async () => {
  const id = await make({ from: "a@nobody.test" });
  expect((await ask("POST", `/${id}/send`)).status).toBe(403);
  expect(await statusOf(id)).toBe("draft");
});

test("a copy is a draft of the same words; the draft it was made of can go", async () => {
  const id = await make({ name: "March", messages_per_minute: 60 });
  const { status, body } = await ask("POST", `/${id}/duplicate`);
  expect(status).toBe(201);
  expect((await ask("GET", `/${body.id}`)).body).toMatchObject({
    ...{ name: "March (copy)", html: whole.html, messages_per_minute: 60, status: "draft" },
  });
  expect((await ask("DELETE", `/${id}`)).body).toEqual({ object: "broadcast", id, deleted: true });
  expect((await ask("GET", `/${id}`)).status).toBe(404);
});

test("a template gives what is not said, as it is published", async () => {
  const { id: templateId } = await createTemplate(app, teamId, {
    ...{
      name: "News",
      alias: "news",
      from: "Eve <eve@example.com>",
      subject: "From it",
      html: "<p>{{{SEASON}}}</p>",
    },
    variables: [{ key: "SEASON", type: "string", fallbackValue: "Spring" }],
  });
  const from = { segment_id: segment.id, template_id: "news" };
  expect((await ask("POST", "", from)).body.message).toContain("has never been published");
  await publishTemplate(app, teamId, templateId);
  expect(await ask("POST", "", { ...from, html: "<p>x</p>" })).toMatchObject({ status: 422 });
  const { body } = await ask("POST", "", { ...from, subject: "Mine" });
  expect((await ask("GET", `/${body.id}`)).body).toMatchObject({
    ...{ from: "Eve <eve@example.com>", subject: "Mine", html: "<p>{{{SEASON}}}</p>" },
  });
  const [row] = await app.db.values(sql`select fallbacks from broadcasts where id = ${body.id}`);
  expect(row).toEqual(['{"SEASON":"Spring"}']);
});

test("a list holds all of them unless it has a limit, and its pages lead on", async () => {
  const ids = [];
  for (let n = 0; n < 3; n++) ids.unshift(await make());
  const { body } = await ask("GET", "?limit=2");
  expect(body.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
  expect(body.has_more).toBeTrue();
  const next = await ask("GET", `?limit=1&after=${ids[1]}`);
  expect(next.body.data[0].id).toBe(ids[2]);
});

test("recipients are asked for by a type, and bounces alone by theirs", async () => {
  const id = await make();
  const get = (query: string) => ask("GET", `/${id}/recipients${query}`);
  expect((await get("?type=opened")).body).toEqual({ object: "list", has_more: false, data: [] });
  expect((await get("")).body).toMatchObject({ statusCode: 422, message: "Missing `type` field." });
  expect((await get("?type=liked")).status).toBe(422);
  expect((await get("?type=sent&bounce_type=permanent")).body.message).toContain("only with `type=bounced`");
  expect((await get(`?type=sent&after=${newId()}&before=${newId()}`)).status).toBe(422);
  expect((await ask("GET", `/${id}/clicked-links?after=x`)).status).toBe(422);
});

test("the links that were followed are paged by their ids, in which capitals count", async () => {
  const id = await make();
  const [{ emailId } = { emailId: "" }] = await addWaiting(app, teamId, {});
  const ids = ["AAAAAAAAAAA", "BBBBBBBBBBB", "aaaaaaaaaaa", "bbbbbbbbbbb"];
  const urls = new Map(ids.map((each) => [each, `https://site-${each}.test/`]));
  await atomically(app, [
    rawWrite("update broadcasts set email_id = ? where id = ?", [emailId, id]),
    ...[...urls].flatMap(([link, url]) => [
      rawWrite("insert into links select content_id, ?, ? from emails where id = ?", [link, url, emailId]),
      ...recordEvent(app, {
        ...{ type: "email.clicked", teamId, emailId, deliveryId: newId(), recipient: "ada@recipient.test" },
        data: { click: { link: url } },
      }),
    ]),
  ]);
  const pages: string[] = [];
  for (let after: string | undefined; pages.length < 4; after = pages.at(-1)) {
    const { body } = await ask("GET", `/${id}/clicked-links?limit=1${after ? `&after=${after}` : ""}`);
    pages.push(body.data[0]?.id ?? "none");
  }
  expect(pages).toEqual(ids.toReversed());
});

test("before it is sent one sees who would get it, what they would see, and a copy in a mail program", async () => {
  const id = await make({ html: "<p>Hi {{{contact.email}}}</p>" });
  expect((await ask("GET", `/${id}/audience`)).body).toEqual({
    ...{ object: "broadcast_audience", contacts: 1, recipients: 1 },
    ...{ unsubscribed: 0, not_in_topic: 0, suppressed: 0 },
  });
  expect((await ask("POST", `/${id}/preview`, { contact: "ada@recipient.test" })).body).toEqual({
    ...{ object: "broadcast_preview", id, contact_id: expect.any(String), from: whole.from, subject: "News" },
    ...{ reply_to: null, html: "<p>Hi ada@recipient.test</p>", text: expect.stringContaining("Hi ada") },
    has_unsubscribe_link: false,
  });
  const content = { subject: "Other", html: '<a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a>' };
  expect((await ask("POST", `/${id}/preview`, { content })).body).toMatchObject({
    ...{ subject: "Other", has_unsubscribe_link: true },
  });
  const { status, body } = await ask("POST", `/${id}/test`, { to: "me@elsewhere.test" });
  expect([status, body]).toEqual([200, { id: expect.any(String) }]);
  expect(await statusOf(id)).toBe("draft");
  for (const [method, path, given] of [
    ["GET", "audience", undefined],
    ["POST", "preview", {}],
    ["POST", "test", { to: "me@elsewhere.test" }],
  ] as const) {
    expect((await ask(method, `/${id}/${path}`, given, strangersKey)).status).toBe(404);
  }
});

test("a list is held to a status", async () => {
  const id = await make();
  const idsOf = async (status: string) =>
    (await ask("GET", `?status=${status}`)).body.data.map((each: { id: string }) => each.id);
  expect(await idsOf("draft")).toContain(id);
  expect(await idsOf("canceled")).not.toContain(id);
  expect((await ask("GET", "?status=lost")).status).toBe(422);
});
