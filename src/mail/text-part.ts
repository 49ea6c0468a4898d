import * as base64 from "nodemailer/lib/base64";
import MimeNode from "nodemailer/lib/mime-node";
import * as qp from "nodemailer/lib/qp";

/** A text or HTML part as it stands in a message: ASCII, with CRLF line ends, and ending as its text does. */
export type TextPart = { type: "text/plain" | "text/html"; encoding: string; content: string };

// The library's encoder wraps this many bytes at a time, and where a piece ends shows in the lines.
const maxEncodedAtOnce = 64 * 1024;

/** Encodes a part just as nodemailer's MailComposer does, without its streams, which cost four times the encoding. */
export async function encodeTextPart(type: TextPart["type"], text: string): Promise<TextPart> {
  const lines = crlf(text);
  // The base boundary is not used; without one the library would draw random bytes for every part.
  const encoding = new MimeNode(type, { baseBoundary: "-" }).setContent(lines).getTransferEncoding();
  if (encoding === false) throw new Error("An empty text makes no part");
  return { type, encoding, content: await encodeText(lines, encoding) };
}

export async function encodeText(text: string, encoding: string): Promise<string> {
  if (encoding === "7bit") return text;
  if (encoding === "base64") return base64.wrap(base64.encode(text));
  if (encoding === "quoted-printable") return quotedPrintable(text);
  throw new Error(`No such transfer encoding for text: ${encoding}`);
}

async function quotedPrintable(text: string): Promise<string> {
  if (Buffer.byteLength(text) > maxEncodedAtOnce) {
    const encoder = new qp.Encoder();
    encoder.end(text);
    return Buffer.concat(await encoder.toArray()).toString("latin1");
  }
  // The library's encoder, too, wraps the white space at the end apart, with what is left of the last line.
  let end = text.length;
  while (end > 0 && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  const wrapped = qp.wrap(qp.encode(text.slice(0, end)));
  if (end === text.length) return wrapped;
  const lastLine = wrapped.lastIndexOf("\n") + 1;
  return wrapped.slice(0, lastLine) + qp.wrap(wrapped.slice(lastLine) + qp.encode(text.slice(end)));
}

/** RFC 2045 §6.7 and §6.8: line ends of text are CRLF before any encoding. */
export function crlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
