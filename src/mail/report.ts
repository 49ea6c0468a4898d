/** Reports that hosts send about messages: DSNs (RFC 3464, 6522, 6533), spam complaints (ARF, RFC 5965), auto-replies. */
import { type Fields, readBlocks, readHead } from "./fields.ts";
import type { ReceivedAttachment, ReceivedMessage } from "./parse.ts";

/** What a report says of the message it is about. */
export interface ReportedMessage {
  messageId: string | null;
  feedbackId: string | null;
  /** Where the host that took the message wrote down the envelope's sender. */
  returnPath: string | null;
}

/** RFC 3464 §2.3: what became of one recipient. */
export interface ReportedRecipient {
  /** Whom the sender named, as the reporting host spells it; null where it says none. */
  originalRecipient: string | null;
  /** Whom the host tried in the end: somebody else behind an alias or a forward. */
  finalRecipient: string | null;
  action: "failed" | "delayed" | "delivered" | "relayed" | "expanded";
  /** RFC 3463, such as `5.1.1`; null where none can be read. */
  status: string | null;
  /** What the host that refused said, without the type in front; null where it says nothing. */
  diagnostic: string | null;
  /** The name of the host that refused; null where the reporting host did, or says none. */
  remoteHost: string | null;
}

export type Report =
  | {
      kind: "delivery_status";
      /** The name of the host that reports, as it calls itself. */
      reportingHost: string | null;
      recipients: ReportedRecipient[];
      message: ReportedMessage;
    }
  | {
      kind: "complaint";
      /** `abuse`, `fraud`, `not-spam`, … in lower case. */
      feedbackType: string;
      /** Who complains, where the provider says so. */
      recipient: string | null;
      /** The envelope sender of what is complained about: our return path names the delivery. */
      returnPath: string | null;
      message: ReportedMessage;
    };

const maxRecipients = 100;
const maxFieldLength = 1_000;

/** The report that a message is. Only its structure counts: words in a body prove nothing about anybody. */
export function readReport(message: ReceivedMessage): Report | undefined {
  if (message.reportType === "delivery-status") return readDeliveryStatus(message.attachments);
  if (message.reportType === "feedback-report") return readComplaint(message.attachments);
  return undefined;
}

/** Whether a message says itself that a machine wrote it in answer to another (RFC 3834 §5, and what predates it). */
export function isAutomatic({ headers }: Pick<ReceivedMessage, "headers">): boolean {
  const submitted = headers["auto-submitted"]?.toLowerCase();
  if (submitted !== undefined && !/^no\b/.test(submitted)) return true;
  if (/^(?:auto_reply|auto-reply|bulk|junk)$/i.test(headers.precedence ?? "")) return true;
  return ["x-autoreply", "x-autorespond", "x-auto-response-suppress"].some((name) => name in headers);
}

function readDeliveryStatus(parts: ReceivedAttachment[]): Report | undefined {
  const status = partOf(parts, "message/delivery-status", "message/global-delivery-status");
  if (!status) return undefined;
  // The first block is about the message, each further one about a recipient; some hosts write one block for both.
  const blocks = readBlocks(textOf(status));
  const recipients = blocks.flatMap(readRecipient).slice(0, maxRecipients);
  if (recipients.length === 0) return undefined;
  const reportingHost = hostOf(blocks[0]?.get("reporting-mta"));
  return { kind: "delivery_status", reportingHost, recipients, message: readOriginal(parts) };
}

const actions: readonly string[] = ["failed", "delayed", "delivered", "relayed", "expanded"];
const isAction = (text: string): text is ReportedRecipient["action"] => actions.includes(text);

function readRecipient(fields: Fields): ReportedRecipient[] {
  const action =
    fields
      .get("action")
      ?.toLowerCase()
      .split(/[ \t(;]/)[0] ?? "";
  if (!isAction(action)) return [];
  return [
    {
      originalRecipient: addressOf(fields.get("original-recipient")),
      finalRecipient: addressOf(fields.get("final-recipient")),
      action,
      status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get("status") ?? "")?.[0] ?? null,
      diagnostic: untyped(fields.get("diagnostic-code")),
      remoteHost: hostOf(fields.get("remote-mta")),
    },
  ];
}

function readComplaint(parts: ReceivedAttachment[]): Report | undefined {
  const feedback = partOf(parts, "message/feedback-report");
  const [fields] = feedback ? readBlocks(textOf(feedback)) : [];
  const feedbackType = fields?.get("feedback-type")?.toLowerCase();
  if (!fields || !feedbackType) return undefined;
  return {
    kind: "complaint",
    feedbackType: feedbackType.slice(0, maxFieldLength),
    recipient: addressOf(fields.get("original-rcpt-to")) ?? addressOf(fields.get("removal-recipient")),
    returnPath: addressOf(fields.get("original-mail-from")),
    message: readOriginal(parts),
  };
}

/** What the quoted message, whole or its head alone, says about itself. */
function readOriginal(parts: ReceivedAttachment[]): ReportedMessage {
  const quoted = partOf(
    parts,
    "message/rfc822",
    "text/rfc822-headers",
    "message/global",
    "message/global-headers",
    "message/rfc822-headers",
  );
  const head = quoted ? readHead(textOf(quoted)) : undefined;
  return {
    messageId: head?.get("message-id")?.slice(0, maxFieldLength) ?? null,
    feedbackId: head?.get("feedback-id")?.slice(0, maxFieldLength) ?? null,
    returnPath: addressOf(head?.get("return-path")),
  };
}

function partOf(parts: ReceivedAttachment[], ...types: string[]): ReceivedAttachment | undefined {
  return parts.find(({ contentType }) => types.includes(contentType));
}

const maxReadBytes = 64_000;
const textOf = ({ content }: ReceivedAttachment): string =>
  new TextDecoder().decode(content.subarray(0, maxReadBytes));

/** `rfc822; a@b` and `<a@b>` as `a@b`. */
function addressOf(value: string | undefined): string | null {
  const bare = untyped(value)?.replace(/^<|>$/g, "").trim();
  if (!bare || !/^[^\s<>]+@[^\s<>]+$/.test(bare)) return null;
  return /^utf-8\s*;/i.test(value ?? "") ? decodeUnicode(bare) : bare;
}

/** RFC 6533 §3: characters beyond ASCII as `\x{6D4B}`, where the report itself is ASCII. */
function decodeUnicode(address: string): string {
  return address.replace(/\\x\{([0-9a-f]{2,6})\}/gi, (escaped, hex: string) => {
    const point = Number.parseInt(hex, 16);
    const isCharacter = point > 0x20 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    return isCharacter ? String.fromCodePoint(point) : escaped;
  });
}

/** `dns; mx.example.net` as `mx.example.net`; nothing else is shown to anybody as a host. */
function hostOf(value: string | undefined): string | null {
  const [name] =
    untyped(value)
      ?.toLowerCase()
      .split(/\.?(?:[\s(]|$)/, 1) ?? [];
  return name && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(name) && name.length <= 253 ? name : null;
}

/** RFC 3464 §2.1.2: many fields begin with the type of what follows. */
function untyped(value: string | undefined): string | null {
  const text = value?.replace(/^[a-z0-9-]+\s*;/i, "").trim();
  return text ? text.slice(0, maxFieldLength) : null;
}
