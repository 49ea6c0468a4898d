import { createHash } from "node:crypto";
import { bareLineEnd } from "./wire.ts";

// RFC 6376 works on octets, so text is `latin1` here: one character an octet, whatever the charset.

// A body is hashed in pieces of about this size, so that a large one needs little memory besides its own.
const pieceOctets = 256 * 1024;

/** A message's header fields, each with its folds and without its last CRLF, and its body (RFC 5322 §2.1). */
export function splitMessage(message: Uint8Array): { header: string[]; body: Buffer } {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  // Other hosts would read a bare CR or LF as a line end and so see another message than the one that was signed.
  if (bareLineEnd(bytes) !== undefined) throw new Error("A message with a bare CR or LF can't be signed");
  const end = bytes.indexOf("\r\n\r\n");
  const header = bytes.toString("latin1", 0, end === -1 ? bytes.length : end);
  return {
    header: (end === -1 ? header.replace(/\r\n$/, "") : header).split(/\r\n(?![ \t])/),
    body: bytes.subarray(end === -1 ? bytes.length : end + 4),
  };
}

/** RFC 6376 §3.4.2, without the CRLF at the end. */
export function relaxedField(field: string): string {
  const colon = field.indexOf(":");
  const name = field.slice(0, colon);
  if (!/^[!-9;-~]+$/.test(name)) throw new Error("A message with a malformed header can't be signed");
  const value = field
    .slice(colon + 1)
    .replaceAll("\r\n", "")
    .replace(/[ \t]+/g, " ");
  return `${name.toLowerCase()}:${value.replace(/^ | $/g, "")}`;
}

/** The SHA-256 of a body's relaxed form (RFC 6376 §3.4.4), in base64. Line ends are CRLF, as `splitMessage` checks. */
export function relaxedBodyHash(body: Buffer): string {
  // White space at the end of a line goes, and so do empty lines at the end of the body: at its end, all white space.
  let end = body.length;
  while (end > 0 && isWhiteSpace(body[end - 1]!)) end--;
  const hash = createHash("sha256");
  for (let start = 0; start < end; ) {
    const lineEnd = body.indexOf("\n", start + pieceOctets);
    const stop = lineEnd === -1 ? end : Math.min(lineEnd + 1, end);
    const lines = body.subarray(start, stop);
    // Base64, which is what large bodies are made of, is relaxed as it is.
    if (lines.includes(" ") || lines.includes("\t"))
      hash.update(relaxedLines(lines.toString("latin1")), "latin1");
    else hash.update(lines);
    start = stop;
  }
  return (end === 0 ? hash : hash.update("\r\n")).digest("base64");
}

function relaxedLines(lines: string): string {
  // In two steps: one pattern for white space before a line end takes quadratic time on a long line of spaces. A single
  // space is what it becomes, and not touching those makes this three times as fast.
  return lines.replace(/[ \t]{2,}|\t/g, " ").replaceAll(" \r\n", "\r\n");
}

const isWhiteSpace = (octet: number) => octet === 0x20 || octet === 0x09 || octet === 0x0a || octet === 0x0d;
