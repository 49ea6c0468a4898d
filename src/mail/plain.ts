import { foldLines } from "nodemailer/lib/mime-funcs";
import MimeNode from "nodemailer/lib/mime-node";
import type { Mailbox, MessageFields } from "./mime.ts";
import type { TextPart } from "./text-part.ts";

const rootNode = new MimeNode(false, { baseBoundary: "-" });

/**
 * The bytes that `buildMime` makes of the same fields and parts, for messages without attachments, which is nearly all
 * of them, at a fraction of the cost: the library encodes fields and parts as ever, only its tree and streams are left out.
 */
export function buildPlain(fields: MessageFields, boundary: string, parts: TextPart[]): Uint8Array {
  const header = headerOf(fields);
  const [first] = parts;
  // MIME-Version stands before Content-Type and behind what else is known of the root, as the library has it.
  if (first === undefined) return bytesOf(`${header}MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n`);
  if (parts.length === 1) {
    const { type, encoding, content } = first;
    const mime = `Content-Transfer-Encoding: ${encoding}\r\nMIME-Version: 1.0\r\nContent-Type: ${type}; charset=utf-8`;
    return bytesOf(`${header}${mime}\r\n\r\n${content}${content.endsWith("\n") ? "" : "\r\n"}`);
  }
  let message = `${header}MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="${boundary}"\r\n\r\n`;
  for (const { type, encoding, content } of parts) {
    message += `--${boundary}\r\nContent-Type: ${type}; charset=utf-8\r\n`;
    message += `Content-Transfer-Encoding: ${encoding}\r\n\r\n${content}\r\n`;
  }
  return bytesOf(`${message}--${boundary}--\r\n`);
}

function headerOf({ headers, from, to, cc, replyTo, messageId, date, subject }: MessageFields): string {
  return [
    givenFields(headers),
    addressField("From", [from]),
    addressField("To", to),
    addressField("Cc", cc),
    addressField("Reply-To", replyTo),
    field("Message-ID", messageId),
    field("Date", date.toUTCString().replace("GMT", "+0000")),
    field("Subject", subject),
  ].join("");
}

/** A client's fields, of which the library also capitalises the names. */
function givenFields(headers: MessageFields["headers"]): string {
  if (headers.length === 0) return "";
  // A node below another one adds no Date, Message-ID or MIME-Version of its own.
  return `${new MimeNode(false, { rootNode, baseBoundary: "-" }).addHeader(headers).buildHeaders()}\r\n`;
}

function addressField(name: string, mailboxes: Mailbox[] | string): string {
  return mailboxes.length === 0 ? "" : field(name, rootNode.encodeHeaderValue(name, mailboxes));
}

function field(name: string, value: string): string {
  return value === "" ? "" : `${foldLines(`${name}: ${value}`, 76)}\r\n`;
}

const bytesOf = (message: string): Uint8Array => Buffer.from(message);
