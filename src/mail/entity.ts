/** Messages that others made, taken apart so that all which is not meant stays byte for byte (RFC 2045, RFC 2046). */
import * as qp from "nodemailer/lib/qp";

/** Deeper parts are left alone. */
export const maxDepth = 20;

// A hyphen that has to be encoded makes two characters more; 76 is all that a line may have (RFC 2045 §6.7).
const encodedLineLength = 74;

/** A message or a part of one. `head` is the header's bytes with the empty line behind it. */
export interface Entity {
  header: string[];
  head: Buffer;
  body: Buffer;
}

/** A part may have no header at all, and begins with the empty line then. */
export function splitEntity(entity: Buffer): Entity {
  if (entity.indexOf("\r\n") === 0)
    return { header: [], head: entity.subarray(0, 2), body: entity.subarray(2) };
  const end = entity.indexOf("\r\n\r\n");
  if (end === -1) return { header: [], head: entity, body: Buffer.alloc(0) };
  const header = entity.toString("latin1", 0, end).split(/\r\n(?![ \t])/);
  return { header, head: entity.subarray(0, end + 4), body: entity.subarray(end + 4) };
}

/** Unfolded; empty where there is none. */
export function fieldOf(header: string[], name: string): string {
  const field = header.find((each) => each.slice(0, each.indexOf(":")).toLowerCase() === name) ?? "";
  return field
    .slice(name.length + 1)
    .replace(/[\s]+/g, " ")
    .trim();
}

/** Of a `multipart/…`. */
export function boundaryOf(type: string): string | undefined {
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(type) ?? [];
  return quoted ?? bare;
}

/**
 * A multipart's body with its parts changed: what is between delimiter lines (RFC 2046 §5.1.1). What stands before the
 * first and after the last is no part. The body itself when nothing changes.
 */
export function mapParts(body: Buffer, boundary: string, change: (part: Buffer) => Buffer): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  let isChanged = false;
  for (const { start, end, isLast } of delimitersOf(body, boundary)) {
    const piece = body.subarray(from, start);
    const put = from === 0 ? piece : change(piece);
    if (put !== piece) isChanged = true;
    pieces.push(put, body.subarray(start, end));
    from = end;
    if (isLast) break;
  }
  return isChanged ? Buffer.concat([...pieces, body.subarray(from)]) : body;
}

/** Each with the line end before it, which belongs to it, and the one behind it. */
function* delimitersOf(body: Buffer, boundary: string) {
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  for (let at = body.indexOf(delimiter); at !== -1; at = body.indexOf(delimiter, at + 1)) {
    if (at > 0 && body[at - 1] !== 10) continue;
    const lineEnd = body.indexOf("\r\n", at);
    const stop = lineEnd === -1 ? body.length : lineEnd;
    const rest = body.toString("latin1", at + delimiter.length, Math.min(stop, at + delimiter.length + 100));
    if (!/^(?:--)?[ \t]*$/.test(rest)) continue; // another boundary, which begins like this one
    yield {
      start: at > 0 ? at - 2 : 0,
      end: lineEnd === -1 ? body.length : lineEnd + 2,
      isLast: rest.startsWith("--"),
    };
  }
}

/** For text whose line ends are CRLF; others are encoded, since no line of a message may hold one. */
export function quotedPrintable(text: Buffer): string {
  const encoded = qp
    .encode(text)
    .replace(/\r(?!\n)/g, "=0D")
    .replace(/(?<!\r)\n/g, "=0A");
  return qp.wrap(encoded, encodedLineLength).replace(/^--/gm, "=2D-"); // a break of ours must not make a line look like a delimiter
}
