/** Writing a DSN (RFC 3464, RFC 6522): the mail by which a host says what became of a message it had taken. */
import { createHash } from "node:crypto";
import type { ReportedRecipient } from "./report.ts";

export interface Dsn {
  /** `<…>`, of the DSN itself. */
  messageId: string;
  date: Date;
  /** The name of the host that reports; it is from this host's MAILER-DAEMON. */
  reportingHost: string;
  /** The return path of the message it is about. The envelope's sender is nobody, so that a DSN never bounces. */
  to: string;
  action: ReportedRecipient["action"];
  /** RFC 3463, such as `5.1.1`. */
  status: string;
  /** Whom the message was for. */
  recipient: string;
  /** Where the recipient's mail goes on to, when that is what failed. */
  finalRecipient?: string;
  /** The host that refused, and its reply. */
  remoteHost?: string;
  diagnostic?: string;
  arrivedAt?: Date;
  /** The message; its head is sent back. */
  original: Uint8Array;
}

/** In ASCII, or in UTF-8 where an address, a reply or the message's head needs it (RFC 6533). */
export function composeDsn(dsn: Dsn): Uint8Array {
  const head = headOf(dsn.original);
  const { recipient, finalRecipient = recipient, diagnostic } = dsn;
  const isAscii = [head, recipient, finalRecipient, diagnostic ?? ""].every(isPlain);
  const boundary = createHash("sha256").update(dsn.messageId).digest("hex").slice(0, 32);
  const date = (at: Date) => at.toUTCString().replace("GMT", "+0000");
  const address = (text: string) => `${isPlain(text) ? "rfc822" : "utf-8"}; ${text}`;
  const part = (type: string, lines: string[]) => [
    `--${boundary}`,
    `Content-Type: ${type}`,
    ...(isAscii ? [] : ["Content-Transfer-Encoding: 8bit"]),
    "",
    ...lines,
    "",
  ];

  const message = [
    field("From", `Mail Delivery System <MAILER-DAEMON@${dsn.reportingHost}>`),
    field("To", dsn.to),
    field("Subject", subjects[dsn.action]),
    field("Date", date(dsn.date)),
    field("Message-ID", dsn.messageId),
    "Auto-Submitted: auto-replied", // RFC 3834 §5
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    "",
    ...part(`text/plain; charset=${isAscii ? "us-ascii" : "utf-8"}`, [
      fold(sentences[dsn.action]),
      "",
      fold(`<${finalRecipient}>: ${diagnostic ?? dsn.status}`),
    ]),
    ...part(isAscii ? "message/delivery-status" : "message/global-delivery-status", [
      field("Reporting-MTA", `dns; ${dsn.reportingHost}`),
      ...(dsn.arrivedAt ? [field("Arrival-Date", date(dsn.arrivedAt))] : []),
      "",
      field("Original-Recipient", address(recipient)),
      field("Final-Recipient", address(finalRecipient)),
      field("Action", dsn.action),
      field("Status", dsn.status),
      ...(dsn.remoteHost ? [field("Remote-MTA", `dns; ${dsn.remoteHost}`)] : []),
      ...(diagnostic ? [field("Diagnostic-Code", `smtp; ${diagnostic}`)] : []),
    ]),
    ...part(isAscii ? "text/rfc822-headers" : "message/global-headers", [head]),
    `--${boundary}--`,
    "",
  ];
  return Buffer.from(message.join("\r\n"));
}

const maxHeadBytes = 64_000;

const subjects: Record<Dsn["action"], string> = {
  failed: "Undelivered mail returned to sender",
  delayed: "Delayed mail, still being tried",
  delivered: "Mail was delivered",
  relayed: "Mail was relayed",
  expanded: "Mail was delivered to a list",
};

const sentences: Record<Dsn["action"], string> = {
  failed: "Your message could not be delivered to the recipient below.",
  delayed: "Your message could not be delivered yet; it is still being tried.",
  delivered: "Your message was delivered to the recipient below.",
  relayed: "Your message went on to a host that sends no reports.",
  expanded: "Your message was delivered to the recipient below, who passes it on to several others.",
};

const isPlain = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** A message's header fields, as they stand, with the line ends of the wire. */
function headOf(message: Uint8Array): string {
  const text = new TextDecoder().decode(message.subarray(0, maxHeadBytes));
  const [head = ""] = text.split(/\r?\n\r?\n/, 1);
  return head.replace(/\r\n|\n|\r/g, "\r\n").trimEnd();
}

/** One field. What is in it comes from another host and must not make a second one. */
const field = (name: string, value: string): string => fold(`${name}: ${value}`);

/** RFC 5322 §2.2.3, at white space, in lines of about 76 characters. */
function fold(text: string): string {
  const words =
    text
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
      .trim()
      .match(/[^ ]{1,240}/gu) ?? [];
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 76) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(lines.length === 0 ? word : ` ${word}`);
  }
  return lines.join("\r\n");
}
