/**
 * What endpoints are told (section 22 of the contract). Nothing of it is stored: it is made of the event and of what
 * never changes about its email, so that a replay sends the same bytes.
 */
import type { Email } from "../emails/schema.ts";
import type { Event } from "../events/schema.ts";
import type { InboundBody } from "../inbound/schema.ts";

export interface Told {
  /** What the endpoint knows the event's type as. */
  name: string;
  event: Event;
  /** Null when it is about none of ours. */
  email: Email | null;
  /** Of a received email, where the endpoint gets it. */
  body?: InboundBody;
}

/** The body of a call. */
export function payloadOf(told: Told): Record<string, unknown> {
  const { name, event } = told;
  return { type: name, created_at: event.createdAt.toISOString(), data: dataOf(told) };
}

function dataOf({ name, event, email, body }: Told): Record<string, unknown> {
  if (event.type === "email.received") return receivedData(name, event, body);
  if (event.type.startsWith("email.")) return emailData(event, email);
  return event.data;
}

/** The contract's fields, then those that the original MailIt's receivers know. */
function emailData(event: Event, email: Email | null): Record<string, unknown> {
  const { emailId, recipient, createdAt } = event;
  return {
    email_id: emailId,
    ...(email && {
      created_at: email.createdAt.toISOString(),
      from: email.sender,
      to: recipient === null ? email.recipients : [recipient],
      subject: email.subject,
      message_id: messageIdOf(event, email),
      ...(email.broadcastId !== null && { broadcast_id: email.broadcastId }),
      ...(email.tags.length > 0 && {
        tags: Object.fromEntries(email.tags.map(({ name, value }) => [name, value])),
      }),
      ...(Object.keys(email.headers).length > 0 && {
        headers: Object.entries(email.headers).map(([name, value]) => ({ name, value })),
      }),
    }),
    ...factsOf(event),
    ...(recipient !== null && { recipient, timestamp: createdAt.toISOString() }),
  };
}

/** Every message of a broadcast has one of its own. */
function messageIdOf({ deliveryId }: Event, { broadcastId, messageId }: Email): string {
  return broadcastId !== null && deliveryId !== null
    ? messageId.replace(/^<[^@]*/, `<${deliveryId}`)
    : messageId;
}

/** The object that a type has of its own. */
function factsOf({ type, data }: Event): Record<string, unknown> {
  switch (type) {
    case "email.bounced":
      return bounceFacts(data.bounce);
    case "email.clicked":
      return { click: data.click, ...urlOf(data.click), ...botOf(data) };
    case "email.opened":
      return botOf(data);
    case "email.failed":
      return { failed: data.failed };
    case "email.suppressed":
      return { suppressed: data.suppressed };
    default:
      return {};
  }
}

/** Our class of the bounce is left out: the contract's receivers know four keys. */
function bounceFacts(given: unknown): Record<string, unknown> {
  const {
    message = "",
    type = "Undetermined",
    subType = "Undetermined",
    diagnosticCode = [],
  } = asObject(given);
  const code = /^\d{3}/.exec(String(message))?.[0];
  return {
    bounce: { message, type, subType, diagnosticCode },
    ...(code !== undefined && { code: Number(code) }),
    ...(message !== "" && { message }),
  };
}

function urlOf(click: unknown): Record<string, unknown> {
  const { link } = asObject(click);
  return link === undefined ? {} : { url: link };
}

/** Whether it was a machine that opened or clicked, and how one knows. */
const botOf = ({ is_bot, bot_reason = null }: Record<string, unknown>) =>
  typeof is_bot === "boolean" ? { is_bot, bot_reason } : {};

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** `email.inbound` is the original MailIt's name, and carries its fields besides. */
function receivedData(name: string, event: Event, body: InboundBody | undefined): Record<string, unknown> {
  if (name !== "email.inbound") {
    return { ...event.data, ...(body && { html: body.html, text: body.text, headers: body.headers }) };
  }
  return {
    ...event.data,
    inbound_email_id: event.data.email_id,
    team_id: event.teamId,
    timestamp: event.createdAt.toISOString(),
    html_body: body?.html ?? null,
    text_body: body?.text ?? null,
  };
}
