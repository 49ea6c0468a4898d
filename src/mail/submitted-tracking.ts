/** Tracking in messages that their clients made: only the text of their HTML changes, and only where nobody vouches for it. */
import { base64Size, writeBase64 } from "./base64-lines.ts";
import { boundaryOf, fieldOf, mapParts, maxDepth, quotedPrintable, splitEntity } from "./entity.ts";
import { linksOf } from "./html-links.ts";
import { nameOf, textOf } from "./submitted-head.ts";
import { type Tracking, trackHtml, unsubscribeUrls } from "./tracking.ts";
import { decodeTransfer } from "./transfer-encoding.ts";

/**
 * The message with its links leading through us and the pixel in the first of its HTML; every other byte stays. Its
 * lines may be longer than hosts take afterwards, where they were not encoded.
 */
export function trackSubmitted(raw: Uint8Array, tracking: Tracking): Buffer {
  let { opens } = tracking;
  return changeHtml(raw, (html, header) => {
    const tracked = trackHtml(html, { ...tracking, opens }, unsubscribeUrlsOf(header));
    opens = false;
    return tracked;
  });
}

/** The links that `trackSubmitted` may change, by their ids; undefined where there is no HTML that it may. */
export function submittedLinks(raw: Uint8Array): [id: string, url: string][] | undefined {
  let links: Map<string, string> | undefined;
  changeHtml(raw, (html) => {
    links ??= new Map();
    for (const [id, url] of linksOf(html)) links.set(id, url);
    return html;
  });
  return links && [...links];
}

/** Gets the text of a part, and the header of the message. */
type Change = (html: string, header: string[]) => string;

function changeHtml(raw: Uint8Array, change: Change): Buffer {
  const message = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const { header } = splitEntity(message);
  // Who signed it before us (RFC 6376, RFC 8617) signed the body with it.
  if (header.some((field) => /^(?:dkim-signature|arc-message-signature)$/.test(nameOf(field))))
    return message;
  return changePart(message, (html) => change(html, header));
}

/** What is signed or encrypted (RFC 1847, RFC 8551), a report, or a message itself. */
const untouchable = /^multipart\/(?:signed|encrypted|report|digest)\b/i;

function changePart(part: Buffer, change: (html: string) => string, depth = 0): Buffer {
  const { header, head, body } = splitEntity(part);
  const type = fieldOf(header, "content-type");
  if (depth > maxDepth || isAmbiguous(header) || untouchable.test(type)) return part;
  if (/^multipart\//i.test(type)) {
    const boundary = boundaryOf(type);
    if (boundary === undefined) return part;
    const changed = mapParts(body, boundary, (inner) => changePart(inner, change, depth + 1));
    return changed === body ? part : Buffer.concat([head, changed]);
  }
  if (!/^text\/html *(?:;|$)/i.test(type) || isFile(header, type)) return part;
  const encoding = fieldOf(header, "content-transfer-encoding").toLowerCase() || "7bit";
  const charset = charsetOf(type);
  const end = endOfText(body, encoding);
  const bytes = charset && decodeTransfer(body.subarray(0, end), encoding);
  const html = bytes && decodeText(bytes, charset);
  if (html === undefined) return part;
  const changed = change(html);
  if (changed === html) return part;
  const encoded = encodeTransfer(Buffer.from(changed, charset), encoding);
  return Buffer.concat([head, encoded, body.subarray(end)]);
}

/** The last line end stays where it is: a message must end with one, and the text may end with the pixel. */
function endOfText(body: Buffer, encoding: string): number {
  if (body.subarray(-2).toString("latin1") !== "\r\n") return body.length;
  const end = body.length - 2;
  // A line that goes on, though nothing comes: its end is none of the text's.
  return encoding === "quoted-printable" && body[end - 1] === 0x3d ? end - 1 : end;
}

/** Of two fields of one name readers take one or the other; a digest of the part would not fit any more. */
function isAmbiguous(header: string[]): boolean {
  const names = header.map(nameOf).filter((name) => name.startsWith("content-"));
  return new Set(names).size < names.length || names.includes("content-md5");
}

const isFile = (header: string[], type: string): boolean => {
  const disposition = fieldOf(header, "content-disposition");
  return (
    !/^(?:inline)? *(?:;|$)/i.test(disposition) ||
    /;\s*(?:file)?name\*?[0-9*]*\s*=/i.test(`${disposition};${type}`)
  );
};

type Charset = "utf8" | "ascii" | "latin1";

/** RFC 2046 §4.1.2: text that says nothing is ASCII. Of others nobody here knows the characters. */
function charsetOf(type: string): Charset | undefined {
  const [, quoted, bare] = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(type) ?? [];
  switch ((quoted ?? bare ?? "us-ascii").toLowerCase()) {
    case "utf-8":
    case "utf8":
      return "utf8";
    case "us-ascii":
    case "ascii":
      return "ascii";
    case "iso-8859-1":
    case "latin1":
      return "latin1";
    default:
      return undefined;
  }
}

/** Undefined where the same bytes would not come out again, or readers disagree on what they are. */
function decodeText(bytes: Buffer, charset: Charset): string | undefined {
  if (charset === "utf8") {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return undefined;
    }
  }
  const text = bytes.toString("latin1");
  // Between ASCII and Latin-1 are controls, which browsers take for letters of Windows-1252.
  return (charset === "ascii" ? /[^\0-\x7f]/ : /[\x80-\x9f]/).test(text) ? undefined : text;
}

function encodeTransfer(bytes: Buffer, encoding: string): Buffer {
  if (encoding === "quoted-printable") return Buffer.from(quotedPrintable(bytes), "latin1");
  if (encoding !== "base64") return bytes;
  const encoded = Buffer.alloc(base64Size(bytes));
  writeBase64(bytes, encoded, 0);
  return encoded;
}

function unsubscribeUrlsOf(header: string[]): string[] {
  const field = header.find((each) => nameOf(each) === "list-unsubscribe");
  return field === undefined ? [] : unsubscribeUrls({ "list-unsubscribe": textOf(field) });
}
