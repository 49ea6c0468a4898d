/** What a call of each kind of event carries, for whoever writes a receiver: made as calls are, of things that never happened. */
import type { Email } from "../emails/schema.ts";
import type { Event, EventType } from "../events/schema.ts";
import type { InboundBody } from "../inbound/schema.ts";
import { tellSuppression } from "../suppressions/told.ts";
import { subscriptionsOf } from "./names.ts";
import { payloadOf } from "./payload.ts";

const id = "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b";
const otherId = "019ad1c4-5a3f-7a11-8c24-9d5be2f7a013";
const teamId = "019ad1c4-5a3d-7e90-b1aa-04c6d28f5b77";
const acceptedAt = new Date("2026-03-01T12:00:00.000Z");
const happenedAt = new Date("2026-03-01T12:00:02.000Z");
const created_at = acceptedAt.toISOString();
const updated_at = happenedAt.toISOString();
const recipient = "ada@example.net";

const email: Email = {
  ...{ id, teamId, domainId: null, apiKeyId: null, messageId: `<${id}@example.com>` },
  ...{ sender: "Acme <hello@example.com>", recipients: [recipient], cc: [], bcc: [], replyTo: [] },
  ...{ subject: "Hello", contentId: "", headers: {}, tags: [{ name: "category", value: "welcome" }] },
  ...{ topicId: null, tracking: null, broadcastId: null, merge: null },
  ...{ lastEvent: "queued", scheduledAt: null, contentRemovedAt: null, createdAt: acceptedAt },
};

const visit = { ipAddress: "192.0.2.25", timestamp: updated_at, userAgent: "Mozilla/5.0" };
const contact = {
  ...{ id, audience_id: otherId, segment_ids: [otherId], created_at, updated_at, email: recipient },
  ...{ first_name: "Ada", last_name: "Lovelace", unsubscribed: false },
};
const topic = {
  ...{ id, name: "Offers", description: "Once a month", default_subscription: "opt_in", deleted: false },
  ...{ created_at, updated_at },
};
const record = {
  ...{ record: "SPF", name: "send", type: "TXT", ttl: "Auto", status: "verified" },
  value: "v=spf1 a:mail.example.com ~all",
};
const domain = {
  ...{ id, name: "example.com", status: "verified", created_at, region: "us-east-1" },
  records: [record],
};
const suppression = { id, email: recipient, origin: "bounce", source_id: otherId, created_at };
const received = {
  ...{ email_id: id, created_at, from: "Ada <ada@example.net>", to: ["support@example.com"] },
  ...{ bcc: [], cc: [], received_for: ["support@example.com"], message_id: "<1@example.net>" },
  subject: "A question",
  attachments: [
    {
      ...{ id: otherId, filename: "question.pdf", content_type: "application/pdf" },
      ...{ content_disposition: "attachment", content_id: null },
    },
  ],
};
const body: InboundBody = {
  ...{ inboundId: id, html: "<p>How much?</p>", text: "How much?", results: "" },
  headers: { subject: "A question" },
};

/** What is recorded of each type; of those that are not here nothing is told beside what they are about. */
const recorded: Partial<Record<EventType, Record<string, unknown>>> = {
  "email.bounced": {
    bounce: {
      ...{ message: "550 5.1.1 No such user", type: "Permanent", subType: "NoEmail" },
      diagnosticCode: ["smtp; 550 5.1.1 No such user"],
    },
  },
  "email.failed": { failed: { reason: "No host took it in time." } },
  "email.suppressed": { suppressed: tellSuppression("bounce") },
  "email.opened": { is_bot: false, bot_reason: null },
  "email.clicked": {
    click: { ...visit, link: "https://example.com/offers" },
    ...{ is_bot: false, bot_reason: null },
  },
  "email.received": received,
  "contact.created": contact,
  "contact.updated": contact,
  "contact.deleted": contact,
  "contact.topics.updated": { email: recipient, topics: [{ id: otherId, subscription: "opt_out" }] },
  "topic.created": topic,
  "topic.updated": topic,
  "topic.deleted": { ...topic, deleted: true },
  "domain.created": domain,
  "domain.updated": domain,
  "domain.deleted": domain,
  "suppression.added": suppression,
  "suppression.removed": suppression,
};

/** The JSON of a call about an event, by the name an endpoint knows it as. */
export function examplePayload(name: string): Record<string, unknown> {
  const type = subscriptionsOf([name])[0]!.type as EventType;
  const isAboutEmail = type.startsWith("email.") && type !== "email.received";
  const isWhole = type === "email.scheduled";
  const event: Event = {
    ...{ id: otherId, teamId, type, webhookId: null, createdAt: happenedAt, data: recorded[type] ?? {} },
    ...{ emailId: isAboutEmail ? id : null, deliveryId: null },
    recipient: isAboutEmail && !isWhole ? recipient : null,
  };
  return payloadOf({
    ...{ name, event, email: isAboutEmail ? email : null },
    ...(name === "email.inbound" && { body }),
  });
}
