import type { Refusal, RefusalCode } from "../errors.ts";

/** What one side of an SMTP conversation answers to a command (RFC 5321 §4.2). */
export type Reply = {
  /** Three digits, 200 to 599; 0 when what came was no SMTP reply at all. */
  code: number;
  /** RFC 3463, `5.1.1`, when the host gave one that fits the code. */
  enhanced?: string;
  /** All lines in one, without codes and control characters, at most `maxReplyText` characters. */
  text: string;
};

/** What a reply means for the sender, by its first digit (RFC 5321 §4.2.1). `invalid` is no reply by the book. */
export type ReplyClass = "positive" | "intermediate" | "transient" | "permanent" | "invalid";

/** Longer texts are cut: nothing a host says past this helps anybody, and the text is stored with every attempt. */
export const maxReplyText = 1_000;

/** A refusal as an error, for the handlers of a listener: thrown there, it is what the client gets as the reply. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
  constructor(readonly reply: Reply) {
    super(formatReply(reply));
  }
}

/** Every refusal as our listeners say it. */
const refusalReplies: Record<RefusalCode, Pick<Reply, "code" | "enhanced">> = {
  invalid_json: { code: 554, enhanced: "5.6.0" },
  payload_too_large: { code: 552, enhanced: "5.3.4" },
  unsupported_media_type: { code: 554, enhanced: "5.6.0" },
  missing_required_field: { code: 554, enhanced: "5.6.0" },
  validation_error: { code: 554, enhanced: "5.6.0" },
  invalid_parameter: { code: 554, enhanced: "5.6.0" },
  invalid_from_address: { code: 554, enhanced: "5.6.0" },
  invalid_attachment: { code: 554, enhanced: "5.6.0" },
  invalid_access: { code: 554, enhanced: "5.6.0" },
  invalid_region: { code: 554, enhanced: "5.6.0" },
  missing_api_key: { code: 530, enhanced: "5.7.0" },
  invalid_api_key: { code: 535, enhanced: "5.7.8" },
  restricted_api_key: { code: 550, enhanced: "5.7.1" },
  invalid_credentials: { code: 535, enhanced: "5.7.8" },
  domain_not_verified: { code: 550, enhanced: "5.7.1" },
  domain_not_allowed: { code: 550, enhanced: "5.7.1" },
  not_permitted: { code: 550, enhanced: "5.7.1" },
  not_found: { code: 550, enhanced: "5.7.1" },
  method_not_allowed: { code: 550, enhanced: "5.7.1" },
  already_exists: { code: 554, enhanced: "5.6.0" },
  invalid_idempotency_key: { code: 554, enhanced: "5.6.0" },
  invalid_idempotent_request: { code: 554, enhanced: "5.6.0" },
  concurrent_idempotent_requests: { code: 451, enhanced: "4.3.0" },
  rate_limit_exceeded: { code: 450, enhanced: "4.7.1" },
  service_unavailable: { code: 451, enhanced: "4.3.0" },
};

export const refusalReply = ({ code, message }: Refusal): Reply => ({
  ...refusalReplies[code],
  text: message,
});

// Line breaks would forge lines in logs, and bidirectional overrides would turn text around on a page.
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const code = /^([2-5]\d\d)(?:[ -]|$)/;
const enhanced = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/;

/** Reads a whole reply, one line or many. Takes anything a host may send and never throws. */
export function parseReply(response: string): Reply {
  // Cut before anything else looks at it, so that a host cannot make us work on a megabyte. Multi-line replies repeat
  // their codes and may be padded, hence more than what is kept.
  const lines = response.slice(0, 8 * maxReplyText).split(/\r\n|\n|\r/);
  const status = code.exec(lines.at(-1) ?? "")?.[1] ?? code.exec(lines[0] ?? "")?.[1];
  if (status === undefined) return { code: 0, text: clean(lines.join(" ")) };

  const texts = lines.map((line) => line.replace(code, ""));
  const claimed = texts.map((text) => enhanced.exec(text)?.[1]).find((found) => found !== undefined);
  // RFC 2034 §4: the classes must agree. Where they don't, the code is what counts and the rest is only text.
  if (claimed === undefined || claimed[0] !== status[0])
    return { code: Number(status), text: clean(texts.join(" ")) };
  return {
    code: Number(status),
    enhanced: claimed,
    text: clean(texts.map((text) => text.replace(enhanced, "")).join(" ")),
  };
}

/** The reply in one line as it goes over the wire and into logs, without its line end. */
export function formatReply(reply: Reply): string {
  return [reply.code, reply.enhanced, clean(reply.text)].filter(Boolean).join(" ");
}

/** Transient means try again later, permanent means never with this message and recipient. */
export function replyClass(reply: Reply): ReplyClass {
  return classes[Math.floor(reply.code / 100)] ?? "invalid";
}

const classes: Record<number, ReplyClass> = {
  2: "positive",
  3: "intermediate",
  4: "transient",
  5: "permanent",
};

function clean(text: string): string {
  return text.replace(unprintable, " ").replace(/\s+/g, " ").trim().slice(0, maxReplyText).toWellFormed();
}
