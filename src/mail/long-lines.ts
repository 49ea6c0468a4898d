/** Text whose lines are longer than hosts take, in messages that others made: encoded, it says the same. */
import * as qp from "nodemailer/lib/qp";

const maxLineOctets = 998;
const maxDepth = 20;
// A hyphen that has to be encoded makes two characters more; 76 is all that a line may have (RFC 2045 §6.7).
const encodedLineLength = 74;

/**
 * The message, or part of one, with its long text as quoted-printable; everything else byte for byte. Long lines stay in
 * what must not be touched, because it is signed, encrypted or a message itself, and in headers.
 */
export function encodeLongLines(entity: Buffer, depth = 0): Buffer {
  if (!hasLongLine(entity) || depth > maxDepth) return entity;
  const { header, body } = splitEntity(entity);
  if (!hasLongLine(body)) return entity;
  const type = fieldOf(header, "content-type") || "text/plain";
  if (/^multipart\//i.test(type)) {
    // The parts of a digest are messages (RFC 2046 §5.1.5).
    if (/^multipart\/(?:signed|encrypted|digest)\b/i.test(type)) return entity;
    const boundary = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(type);
    if (!boundary) return entity;
    const parts = encodeParts(body, boundary[1] ?? boundary[2]!, depth);
    return Buffer.concat([entity.subarray(0, entity.length - body.length), parts]);
  }
  const encoding = fieldOf(header, "content-transfer-encoding").toLowerCase() || "7bit";
  if (!/^text\//i.test(type) || !/^(?:7bit|8bit|binary)$/.test(encoding)) return entity;
  return Buffer.from(`${encodedHeader(header)}\r\n\r\n${quotedPrintable(body)}`, "latin1");
}

/** A part may have no header at all, and begins with the empty line then. */
function splitEntity(entity: Buffer): { header: string[]; body: Buffer } {
  if (entity.indexOf("\r\n") === 0) return { header: [], body: entity.subarray(2) };
  const end = entity.indexOf("\r\n\r\n");
  if (end === -1) return { header: [], body: Buffer.alloc(0) };
  const header = entity.toString("latin1", 0, end).split(/\r\n(?![ \t])/);
  return { header, body: entity.subarray(end + 4) };
}

/** Between delimiter lines (RFC 2046 §5.1.1); what stands before the first and after the last is no part. */
function encodeParts(body: Buffer, boundary: string, depth: number): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end, isLast } of delimitersOf(body, boundary)) {
    const piece = body.subarray(from, start);
    pieces.push(from === 0 ? piece : encodeLongLines(piece, depth + 1), body.subarray(start, end));
    from = end;
    if (isLast) break;
  }
  return Buffer.concat([...pieces, body.subarray(from)]);
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

function encodedHeader(header: string[]): string {
  const kept = header.filter((field) => !/^content-transfer-encoding:/i.test(field));
  return [...kept, "Content-Transfer-Encoding: quoted-printable"].join("\r\n");
}

function quotedPrintable(text: Buffer): string {
  const lines = qp.wrap(qp.encode(text), encodedLineLength);
  return lines.replace(/^--/gm, "=2D-"); // a break of ours must not make a line look like a delimiter
}

const fieldOf = (header: string[], name: string): string => {
  const field = header.find((each) => each.slice(0, each.indexOf(":")).toLowerCase() === name) ?? "";
  return field
    .slice(name.length + 1)
    .replace(/[\s]+/g, " ")
    .trim();
};

function hasLongLine(bytes: Buffer): boolean {
  let start = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, start)) {
    if (at - 1 - start > maxLineOctets) return true;
    start = at + 1;
  }
  return bytes.length - start > maxLineOctets;
}
