import { expect, test } from "bun:test";
import type { Email } from "../emails/schema.ts";
import type { Event, EventType } from "../events/schema.ts";
import { newId } from "../ids.ts";
import { payloadOf } from "./payload.ts";

const happenedAt = new Date("2026-03-01T12:00:02.345Z");
const acceptedAt = new Date("2026-03-01T12:00:01.234Z");

const email: Email = {
  ...{ id: newId(), teamId: newId(), domainId: newId(), apiKeyId: null, messageId: "<id@example.com>" },
  ...{ sender: "Ada <ada@example.com>", recipients: ["Bob <bob@x.test>"], cc: ["carol@x.test"], bcc: [] },
  ...{
    replyTo: [],
    subject: "Grüße",
    contentId: newId(),
    topicId: null,
    broadcastId: null,
    lastEvent: "delivered",
  },
  headers: { "X-Entity-Ref-ID": "42" },
  tags: [
    { name: "category", value: "welcome" },
    { name: "env", value: "test" },
  ],
  ...{ scheduledAt: null, contentRemovedAt: null, tracking: null, merge: null, createdAt: acceptedAt },
};

const eventOf = (type: EventType, changes: Partial<Event> = {}): Event => ({
  ...{ id: newId(), teamId: email.teamId, type, emailId: email.id, deliveryId: newId() },
  ...{ recipient: "carol@x.test", data: {}, createdAt: happenedAt, webhookId: null },
  ...changes,
});
const dataOf = (event: Event, about: Email | null = email) =>
  payloadOf({ name: event.type, event, email: about }).data as Record<string, unknown>;

const emailData = {
  email_id: email.id,
  created_at: "2026-03-01T12:00:01.234Z",
  from: "Ada <ada@example.com>",
  to: ["carol@x.test"],
  subject: "Grüße",
  message_id: "<id@example.com>",
  tags: { category: "welcome", env: "test" },
  headers: [{ name: "X-Entity-Ref-ID", value: "42" }],
};
/** The original MailIt's fields. */
const original = { recipient: "carol@x.test", timestamp: "2026-03-01T12:00:02.345Z" };

test("a broadcast's events name it, and each recipient's own message", () => {
  const broadcastId = newId();
  const deliveryId = newId();
  const event = eventOf("email.delivered", { deliveryId });
  const { data } = payloadOf({ name: "email.delivered", event, email: { ...email, broadcastId } });
  expect(data).toMatchObject({ broadcast_id: broadcastId, message_id: `<${deliveryId}@example.com>` });
});

test("an event of an email tells who it is about, and the email's tags as an object", () => {
  const payload = payloadOf({
    name: "email.delivered",
    event: eventOf("email.delivered", { data: { reply: "250 Ok" } }),
    email,
  });
  expect(payload).toEqual({
    type: "email.delivered",
    created_at: "2026-03-01T12:00:02.345Z",
    data: { ...emailData, ...original },
  });
});

test("what is about the whole email names all of its recipients", () => {
  const event = eventOf("email.scheduled", { recipient: null });
  expect(dataOf(event)).toEqual({ ...emailData, to: ["Bob <bob@x.test>"] });
});

test("an email without tags and headers has neither", () => {
  const { tags, headers, ...plain } = emailData;
  expect(dataOf(eventOf("email.sent"), { ...email, tags: [], headers: {} })).toEqual({
    ...plain,
    ...original,
  });
});

test("a bounce has the contract's four keys, and the reply's code as the original has it", () => {
  const bounce = {
    type: "Permanent",
    subType: "NoEmail",
    message: "550 5.1.1 No such user",
    diagnosticCode: ["smtp; 550 5.1.1 No such user"],
  };
  const event = eventOf("email.bounced", { data: { bounce: { ...bounce, class: "recipient" } } });
  expect(dataOf(event)).toEqual({ ...emailData, bounce, code: 550, message: bounce.message, ...original });
});

test("a click, a failure and a suppression have objects of their own", () => {
  const click = {
    ipAddress: "192.0.2.1",
    link: "https://x.test/",
    timestamp: "2026-03-01T12:00:02Z",
    userAgent: "curl",
  };
  expect(
    dataOf(eventOf("email.clicked", { data: { click, is_bot: true, bot_reason: "scanner" } })),
  ).toMatchObject({
    ...{ click, is_bot: true, bot_reason: "scanner", url: "https://x.test/" },
  });
  expect(dataOf(eventOf("email.opened", { data: { is_bot: false } }))).toEqual({
    ...emailData,
    ...{ is_bot: false, bot_reason: null, ...original },
  });
  const failed = { reason: "The domain was removed" };
  expect(dataOf(eventOf("email.failed", { data: { failed } })).failed).toEqual(failed);
  const suppressed = {
    message: "…",
    type: "OnAccountSuppressionList",
    reason: "previous_bounce",
    diagnosticCode: [],
  };
  expect(dataOf(eventOf("email.suppressed", { data: { suppressed } })).suppressed).toEqual(suppressed);
});

const received = {
  email_id: newId(),
  created_at: "2026-03-01T12:00:00.000Z",
  ...{ from: "bob@x.test", to: ["ada@example.com"], cc: [], bcc: [], received_for: ["ada@example.com"] },
  ...{ message_id: "<x@x.test>", subject: "Hi", attachments: [] },
};
const receivedEvent = eventOf("email.received", { emailId: null, recipient: null, data: received });
const body = {
  inboundId: received.email_id,
  headers: { subject: "Hi" },
  html: "<p>Hi</p>",
  text: "Hi",
  results: "",
};

test("received mail is told as it was recorded, with its body where that is asked for", () => {
  expect(dataOf(receivedEvent, null)).toEqual(received);
  const whole = payloadOf({ name: "email.received", event: receivedEvent, email: null, body });
  expect(whole.data).toEqual({ ...received, html: "<p>Hi</p>", text: "Hi", headers: { subject: "Hi" } });
});

test("`email.inbound` has the original's fields besides, and its body", () => {
  expect(payloadOf({ name: "email.inbound", event: receivedEvent, email: null, body })).toEqual({
    type: "email.inbound",
    created_at: "2026-03-01T12:00:02.345Z",
    data: {
      ...received,
      inbound_email_id: received.email_id,
      team_id: email.teamId,
      timestamp: "2026-03-01T12:00:02.345Z",
      html_body: "<p>Hi</p>",
      text_body: "Hi",
    },
  });
});

test("what is about no email is told as it was recorded", () => {
  const data = { id: newId(), email: "bob@x.test", origin: "bounce", source_id: email.id };
  expect(dataOf(eventOf("suppression.added", { emailId: null, data }), null)).toEqual(data);
});
