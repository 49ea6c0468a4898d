/** The head of a message that a user of ours made: which fields are for us, which stay behind, which are added. */
import { splitMessage } from "./dkim-canonical.ts";
import { encodeLongLines } from "./long-lines.ts";

/** For us alone: none of them leaves with the message. */
export const tagField = "x-mailit-tag";
export const idempotencyField = "resend-idempotency-key";

/**
 * Fields that don't leave: those for us, who else got it, and how it came to us (a client's own hops show its network,
 * and a return path is written by the host that delivers, RFC 5321 §4.4).
 */
const leftBehind =
  /^(?:resend-idempotency-key|x-mailit-.*|bcc|resent-bcc|return-path|received|delivered-to)$/;

/** RFC 5322 §3.6: at most one of each, else one reader shows the first and another the last. */
const onlyOnce =
  /^(?:from|sender|reply-to|to|cc|subject|date|message-id|in-reply-to|references|mime-version|content-type|content-transfer-encoding)$/;

const maxHeadOctets = 256_000;

/** Lower-case. A field is the text of `splitMessage`: a character an octet, with its folds. */
export const nameOf = (field: string): string => field.slice(0, field.indexOf(":")).toLowerCase();

/** Unfolded; what is beyond ASCII is UTF-8 (RFC 6532). */
export const textOf = (field: string): string =>
  Buffer.from(field.slice(field.indexOf(":") + 1), "latin1")
    .toString("utf8")
    .replace(/[ \t\r\n]+/g, " ") // RFC 5322 §2.2.3: folded with tabs as well as with spaces
    .trim();

/** What keeps a head from being read by everybody alike, as a sentence for who made it. */
export function headMistake(header: string[]): string | undefined {
  const names = new Set<string>();
  if (header.reduce((octets, field) => octets + field.length, 0) > maxHeadOctets) {
    return `The header is larger than ${maxHeadOctets / 1000} KB.`;
  }
  for (const [index, field] of header.entries()) {
    if (!/^[!-9;-~]+:/.test(field)) {
      return `Header field ${index + 1} is malformed: a line must be a \`Name: value\`, or begin with a space to go on with the one before it.`;
    }
    const name = nameOf(field);
    // RFC 5322 §3.2.2; some hosts take such a line for the end of the header.
    if (/\r\n[ \t]*(?:\r\n|$)/.test(field)) return `The header field ${name} has a line of white space only.`;
    if (onlyOnce.test(name) && names.has(name)) return `The message has more than one ${name} header field.`;
    names.add(name);
  }
  return names.has("from") ? undefined : "The message has no From header field.";
}

/** What is put into a message that lacks it. */
type Missing = { messageId: string; date: Date; feedbackId: string };

/**
 * The message as it leaves, but for its signatures. The body is what the client made, octet for octet, whatever it is: it
 * may be signed or encrypted. Only text with lines that hosts would cut is encoded.
 */
export function leavingMessage(raw: Uint8Array, missing: Missing): Uint8Array {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const { header, body } = splitMessage(encodeLongLines(bytes));
  const head = `${leavingHead(header, missing).join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), body]);
}

/** The fields that leave, in their order, with those that were missing behind them. */
export function leavingHead(header: string[], { messageId, date, feedbackId }: Missing): string[] {
  const kept = header.filter((field) => !leftBehind.test(nameOf(field)) && !isMissing(field));
  const names = new Set(kept.map(nameOf));
  if (!names.has("message-id")) kept.push(`Message-ID: ${messageId}`);
  if (!names.has("date")) kept.push(`Date: ${date.toUTCString().replace("GMT", "+0000")}`);
  if (!names.has("feedback-id")) kept.push(`Feedback-ID: ${feedbackId}`);
  // RFC 5322 §3.6.3: an empty group says that the recipients are not shown; filters distrust a message without To.
  if (!names.has("to") && !names.has("cc")) kept.push("To: Undisclosed recipients:;");
  return kept;
}

/** A field with nothing in it is as good as none, where we would make it. */
const isMissing = (field: string): boolean =>
  /^(?:message-id|date|to|cc)$/.test(nameOf(field)) && textOf(field) === "";

/** The same message without its Message-ID, for one that is to get a new one. */
export function withoutMessageId(raw: Uint8Array): Uint8Array {
  const { header, body } = splitMessage(raw);
  const kept = header.filter((field) => nameOf(field) !== "message-id");
  return Buffer.concat([Buffer.from(`${kept.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
