/** Text whose lines are longer than hosts take, in messages that others made: encoded, it says the same. */
import { boundaryOf, fieldOf, mapParts, maxDepth, quotedPrintable, splitEntity } from "./entity.ts";

const maxLineOctets = 998;

/**
 * The message, or part of one, with its long text as quoted-printable; everything else byte for byte. Long lines stay in
 * what must not be touched, because it is signed, encrypted or a message itself, and in headers.
 */
export function encodeLongLines(entity: Buffer, depth = 0): Buffer {
  if (!hasLongLine(entity) || depth > maxDepth) return entity;
  const { header, head, body } = splitEntity(entity);
  if (!hasLongLine(body)) return entity;
  const type = fieldOf(header, "content-type") || "text/plain";
  if (/^multipart\//i.test(type)) {
    // The parts of a digest are messages (RFC 2046 §5.1.5).
    if (/^multipart\/(?:signed|encrypted|digest)\b/i.test(type)) return entity;
    const boundary = boundaryOf(type);
    if (boundary === undefined) return entity;
    return Buffer.concat([head, mapParts(body, boundary, (part) => encodeLongLines(part, depth + 1))]);
  }
  const encoding = fieldOf(header, "content-transfer-encoding").toLowerCase() || "7bit";
  if (!/^text\//i.test(type) || !/^(?:7bit|8bit|binary)$/.test(encoding)) return entity;
  return Buffer.from(`${encodedHeader(header)}\r\n\r\n${quotedPrintable(body)}`, "latin1");
}

function encodedHeader(header: string[]): string {
  const kept = header.filter((field) => !/^content-transfer-encoding:/i.test(field));
  return [...kept, "Content-Transfer-Encoding: quoted-printable"].join("\r\n");
}

function hasLongLine(bytes: Buffer): boolean {
  let start = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, start)) {
    if (at - 1 - start > maxLineOctets) return true;
    start = at + 1;
  }
  return bytes.length - start > maxLineOctets;
}
