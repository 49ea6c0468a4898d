/** Section 11 of the contract by the official SDK against the executable: every method, success and refusal. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { simpleParser } from "mailparser";
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
  uuid,
} from "./contract.ts";
import { account, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const server = await startContractServer();
const { resend, stranger, api } = server;
const absent = newId();
const from = `Ada <hello@${account.domain}>`;

const item: Shape = {
  id: uuid,
  name: filled,
  audience_id: uuid,
  segment_id: uuid,
  status: is("draft", "scheduled", "queued", "sending", "sent"),
  created_at: time,
  scheduled_at: orNull(time),
  sent_at: orNull(time),
  topic_id: orNull(uuid),
};
const whole: Shape = {
  object: is("broadcast"),
  ...item,
  from: filled,
  subject: filled,
  reply_to: orNull(each(filled)),
  preview_text: orNull(text),
  html: orNull(text),
  text: orNull(text),
};
const superset = [
  "expected_end_at",
  "messages_per_minute",
  "problem",
  "progress",
  "started_at",
  "updated_at",
];
const reference = { object: is("broadcast"), id: uuid };

async function audience(...emails: string[]): Promise<string> {
  const { id: segmentId } = ok(await resend.segments.create({ name: "Readers" }));
  for (const email of emails) {
    ok(
      await resend.contacts.create({ email, firstName: email.split("@")[0], segments: [{ id: segmentId }] }),
    );
  }
  return segmentId;
}
const statusOf = async (id: string): Promise<string> => ok(await resend.broadcasts.get(id)).status;
const sent = (id: string) =>
  until(`broadcast ${id} is sent`, async () => ((await statusOf(id)) === "sent" ? true : undefined));

test("broadcasts: drafted, listed, changed, copied and removed", async () => {
  const segmentId = await audience();
  const { id: topicId } = ok(await resend.topics.create({ name: "News", defaultSubscription: "opt_in" }));
  const made = ok(
    await resend.broadcasts.create({
      ...{ segmentId, from, subject: "News", html: "<p>Hi</p>", name: "March", topicId },
      ...{ replyTo: "reply@example.org", previewText: "Soon" },
    }),
  );
  expect(differences(made, reference)).toEqual([]);
  const got = ok(await resend.broadcasts.get(made.id));
  expect(differences(got, whole, superset)).toEqual([]);
  expect(got).toMatchObject({
    ...{
      name: "March",
      audience_id: segmentId,
      segment_id: segmentId,
      from,
      subject: "News",
      status: "draft",
    },
    ...{ reply_to: ["reply@example.org"], preview_text: "Soon", html: "<p>Hi</p>", text: null },
    ...{ topic_id: topicId, scheduled_at: null, sent_at: null },
  });
  const list = ok(await resend.broadcasts.list());
  expect(listDifferences(list, item)).toEqual([]);
  expect(list.data[0]!.id).toBe(made.id);
  expect(ok(await stranger.broadcasts.list()).data).toEqual([]);

  const updated = ok(await resend.broadcasts.update(made.id, { subject: "Later", topicId: null }));
  expect(differences(updated, { id: is(made.id) }, ["object"])).toEqual([]);
  expect(ok(await resend.broadcasts.get(made.id))).toMatchObject({ subject: "Later", topic_id: null });

  const copy = ok(await resend.broadcasts.duplicate(made.id));
  expect(differences(copy, reference)).toEqual([]);
  expect(ok(await resend.broadcasts.get(copy.id))).toMatchObject({ subject: "Later", status: "draft" });
  expect(ok(await resend.broadcasts.list({ limit: 1 }))).toMatchObject({
    has_more: true,
    data: [{ id: copy.id }],
  });
  const removed = ok(await resend.broadcasts.remove(copy.id));
  expect(differences(removed, { ...reference, deleted: is(true) })).toEqual([]);
  expect(refused(await resend.broadcasts.get(copy.id))).toBe("404 not_found: Broadcast not found");
});

test("broadcasts: sent, scheduled in words, and taken back", async () => {
  const segmentId = await audience("ada@example.org", "bounced@example.org");
  const draft = { segmentId, from, subject: "Hi {{{FIRST_NAME|there}}}", html: "<p>Hi</p>" };
  const { id } = ok(await resend.broadcasts.create(draft));
  expect(ok(await resend.broadcasts.send(id, { scheduledAt: "in 1 hour" }))).toMatchObject({ id });
  expect(ok(await resend.broadcasts.get(id))).toMatchObject({ status: "scheduled" });
  const canceled = ok(await resend.broadcasts.cancel(id));
  expect(differences(canceled, reference)).toEqual([]);
  expect(ok(await resend.broadcasts.get(id))).toMatchObject({ status: "draft", scheduled_at: null });

  expect(ok(await resend.broadcasts.send(id))).toMatchObject({ id });
  await sent(id);
  expect(ok(await resend.broadcasts.get(id)).sent_at).toBeString();
  const { body } = await api.get("/sandbox/messages");
  expect(body.data.filter((each: { subject: string }) => each.subject === "Hi ada")).toHaveLength(1);

  const later = { ...draft, send: true, scheduledAt: "tomorrow at 9am" } as const;
  const { id: scheduled } = ok(await resend.broadcasts.create(later));
  expect(await statusOf(scheduled)).toBe("scheduled");
  const { id: now } = ok(await resend.broadcasts.create({ ...draft, send: true }));
  await sent(now);

  expect(refused(await resend.broadcasts.cancel(id))).toBe(
    "422 validation_error: Only queued or scheduled broadcasts can be canceled",
  );
  expect(refused(await resend.broadcasts.send(id))).toMatch(/^422 validation_error: Only draft broadcasts/);
  expect(refused(await resend.broadcasts.update(id, { name: "x" }))).toMatch(
    /^422 validation_error: Only draft/,
  );
  expect(refused(await resend.broadcasts.remove(id))).toMatch(/^422 validation_error: Only draft/);
});

test("broadcasts: the rate of one that is being sent is changed, and its end with it", async () => {
  const segmentId = await audience("slow@example.org", "slower@example.org", "slowest@example.org");
  const draft = { segment_id: segmentId, from, subject: "Slow", html: "<p>Hi</p>" };
  const made = await api.post("/broadcasts", { ...draft, send: true, messages_per_minute: 1 });
  const { id } = made.body;
  const get = async () => (await api.get(`/broadcasts/${id}`)).body;
  const expected = (what: string, isIt: (end: number) => boolean) =>
    until(what, async () => {
      const { expected_end_at: end } = await get();
      return end !== null && isIt(Date.parse(end) - Date.now()) ? end : undefined;
    });
  await expected("it ends in two minutes", (inMs) => inMs > 90_000 && inMs < 130_000);
  const change = (body: unknown) => api.patch(`/broadcasts/${id}`, body);
  expect((await change({ messages_per_minute: 1, name: "x" })).body.message).toContain(
    "only `messages_per_minute` can be changed",
  );
  // A rate of two a day is none that can be asked for; the slowest is one a minute.
  expect((await change({ messages_per_minute: 0.5 })).status).toBe(422);
  expect(differences((await change({ messages_per_minute: 2 })).body, reference)).toEqual([]);
  await expected("it ends in half a minute", (inMs) => inMs > 0 && inMs < 61_000);
  expect((await change({ messages_per_minute: 6_000 })).status).toBe(200);
  await sent(id);
  expect(await get()).toMatchObject({ messages_per_minute: 6_000, progress: { delivered: 3 } });
  expect((await change({ messages_per_minute: 1 })).body.message).toMatch(/^Only the rate of a draft, or of/);
  const { body } = await api.get("/sandbox/messages");
  expect(body.data.filter((each: { subject: string }) => each.subject === "Slow")).toHaveLength(3);
});

test("broadcasts: recipients by what became of them, and the links they followed", async () => {
  ok(await resend.domains.update({ id: server.setup.domain.id, openTracking: true, clickTracking: true }));
  const segmentId = await audience("eve@example.org", "bounced+again@example.org", "suppressed@example.org");
  const html =
    '<p><a href="https://shop.example/">Shop</a> <a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a></p>';
  const { id } = ok(
    await resend.broadcasts.create({ segmentId, from, subject: "Tracked", html, send: true }),
  );
  await sent(id);
  const recipient = { id: filled, contact_id: orNull(uuid), email: filled };
  const of = async (options: Parameters<typeof resend.broadcasts.recipients>[1]) => {
    const list = ok(await resend.broadcasts.recipients(id, options));
    return { list, emails: list.data.map(({ email }) => email) };
  };
  const delivered = await of({ type: "delivered" });
  expect(listDifferences(delivered.list, recipient)).toEqual([]);
  expect(delivered.emails).toEqual(["eve@example.org"]);
  expect((await of({ type: "sent" })).emails.sort()).toEqual([
    "bounced+again@example.org",
    "eve@example.org",
  ]);
  expect((await of({ type: "suppressed" })).emails).toEqual(["suppressed@example.org"]);
  const bounced = await of({ type: "bounced", bounceType: "permanent" });
  expect(listDifferences(bounced.list, { ...recipient, bounce_type: is("permanent") })).toEqual([]);
  expect(bounced.emails).toEqual(["bounced+again@example.org"]);
  expect((await of({ type: "sent", email: "eve@example.org" })).emails).toEqual(["eve@example.org"]);
  expect((await of({ type: "complained" })).emails).toEqual([]);

  const { body: taken } = await api.get("/sandbox/messages");
  const message = taken.data.find((each: { subject: string }) => each.subject === "Tracked");
  const { raw } = (await api.get(`/sandbox/messages/${message.id}`)).body;
  const shown = (await simpleParser(raw)).html || "";
  const [, link] = /href="([^"]*\/t\/c\/[^"]*)"/.exec(shown)!;
  const [, leave] = /href="([^"]*\/unsubscribe\?token=[^"]*)"/.exec(shown)!;
  const person = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0" };
  const arrived = Date.now();
  await until("a person has had time to read", async () => (Date.now() - arrived > 3_500 ? true : undefined));
  await fetch(link!, { redirect: "manual", headers: person });
  const clicked = await until("the click is told", async () => {
    const { list } = await of({ type: "clicked" });
    return list.data.length > 0 ? list : undefined;
  });
  const clicks = each(like({ url: is("https://shop.example/"), clicks: is(1) }));
  expect(listDifferences(clicked, { ...recipient, count: is(1), clicked_links: clicks })).toEqual([]);
  const links = ok(await resend.broadcasts.clickedLinks(id));
  expect(
    listDifferences(links, {
      id: filled,
      url: is("https://shop.example/"),
      clicks: count,
      unique_clicks: is(1),
    }),
  ).toEqual([]);
  expect(links.data).toHaveLength(1);

  const oneClick = { method: "POST", body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }) };
  expect((await fetch(leave!, oneClick)).status).toBe(200);
  expect((await of({ type: "unsubscribed" })).emails).toEqual(["eve@example.org"]);
  expect(ok(await resend.contacts.get({ email: "eve@example.org" })).unsubscribed).toBeTrue();

  const metrics = await api.get(`/emails/metrics?dimensions=broadcast&broadcast_id=${id}&metrics=delivered`);
  expect(metrics.body.data).toEqual([{ broadcast_id: id, broadcast_name: "Untitled", delivered: 1 }]);
});

test("broadcasts: what became of one recipient's copy, and why it is not there yet", async () => {
  const segmentId = await audience("deferred@example.org", "delivered@example.org");
  const { id } = ok(
    await resend.broadcasts.create({ segmentId, from, subject: "Why", html: "<p>Hi</p>", send: true }),
  );
  await sent(id);
  const all = (await api.get(`/broadcasts/${id}/recipients?type=all`)).body.data;
  expect(all).toMatchObject([
    { email: "delivered@example.org", state: "delivered", last_reply: expect.stringMatching(/^250 /) },
    { email: "deferred@example.org", state: "deferred", last_reply: expect.stringMatching(/^451 4\.3\.0 /) },
  ]);
  const path = `/broadcasts/${id}/recipients/${all[1].id}`;
  const { status, body } = await api.get(path);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ...{ object: "broadcast_recipient", id: all[1].id, broadcast_id: id, contact_id: all[1].contact_id },
    ...{ recipient: "deferred@example.org", state: "deferred", attempts: 1, last_reply: all[1].last_reply },
    message_id: `<${all[1].id}@${account.domain}>`,
    waiting_for: { limiter: "retry", until: expect.any(String) },
    status: expect.stringMatching(
      /^Waiting for the next try at .* said 451 4\.3\.0 .* at try 1; it is given up/,
    ),
    history: [{ number: 1, outcome: "deferred", host: "mx.sandbox.test" }],
    events: [{ type: "email.delivery_delayed", data: { bounce: { message: all[1].last_reply } } }],
  });
  const item = { to: ["deferred@example.org"], subject: "Why", message_id: body.message_id };
  const copies = { broadcast_recipient: { id: body.id, broadcast_id: id }, last_event: "delivery_delayed" };
  for (const q of ["deferred@example.org", "to:deferred@example.org", body.message_id]) {
    const found = await api.get(`/emails?q=${encodeURIComponent(q)}`);
    expect(found.body.data).toMatchObject([{ ...item, ...copies }]);
  }
  const copy = await fetch(`${server.url}/emails/${body.email_id}/deliveries/${body.id}/message`, {
    headers: { authorization: `Bearer ${server.setup.api_key}` },
  });
  expect((await simpleParser(await copy.text())).messageId).toBe(body.message_id);
  expect((await api.get(`/emails/${body.email_id}/deliveries`)).body.message).toContain(
    `look at one with \`GET /broadcasts/${id}/recipients/{id}\``,
  );
  expect((await api.get(`/broadcasts/${id}/recipients/${absent}`)).body).toEqual({
    ...{ statusCode: 404, name: "not_found", message: "Recipient not found" },
  });
  expect((await api.get(`/broadcasts/${absent}/recipients/${all[1].id}`)).body.message).toBe(
    "Broadcast not found",
  );
});

test("broadcasts: what is refused", async () => {
  const segmentId = await audience();
  const draft = { segmentId, from, subject: "News", html: "<p>Hi</p>" };
  expect((await api.post("/broadcasts", { from, subject: "x", html: "x" })).body).toEqual({
    statusCode: 422,
    name: "missing_required_field",
    message: "Missing `segment_id` field.",
  });
  expect(refused(await resend.broadcasts.create({ ...draft, segmentId: absent }))).toBe(
    "404 not_found: Audience not found",
  );
  expect(refused(await resend.broadcasts.create({ ...draft, topicId: absent }))).toBe(
    "404 not_found: Topic not found",
  );
  expect(refused(await resend.broadcasts.create({ ...draft, from: "nobody" }))).toMatch(
    /^422 invalid_from_address: /,
  );
  expect(refused(await resend.broadcasts.create({ ...draft, from: "a@example.org", send: true }))).toMatch(
    /^403 validation_error: The example.org domain is not verified/,
  );
  const { id } = ok(await resend.broadcasts.create(draft));
  for (const [name, answer] of [
    ["get", await stranger.broadcasts.get(id)],
    ["update", await stranger.broadcasts.update(id, { name: "x" })],
    ["send", await stranger.broadcasts.send(id)],
    ["cancel", await stranger.broadcasts.cancel(id)],
    ["duplicate", await stranger.broadcasts.duplicate(id)],
    ["remove", await stranger.broadcasts.remove(id)],
    ["recipients", await stranger.broadcasts.recipients(id, { type: "sent" })],
    ["clickedLinks", await stranger.broadcasts.clickedLinks(id)],
  ] as const) {
    expect([name, refused(answer)]).toEqual([name, "404 not_found: Broadcast not found"]);
  }
  expect(refused(await resend.broadcasts.recipients(id, { type: "liked" as "sent" }))).toMatch(
    /^422 validation_error: Invalid `type` field/,
  );
});
