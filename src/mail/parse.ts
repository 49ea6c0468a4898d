/** Reading a message that somebody else made: whatever its bytes are, something readable comes out. */
import {
  type AddressObject,
  type Attachment,
  type EmailAddress,
  type HeaderValue,
  type ParsedMail,
  type StructuredHeader,
  simpleParser,
} from "mailparser";
import { formatAddress } from "./address.ts";

export interface ReceivedAttachment {
  filename: string | null;
  contentType: string;
  contentDisposition: "inline" | "attachment";
  /** Without angle brackets, as `cid:` links name it. */
  contentId: string | null;
  content: Uint8Array;
}

export interface ReceivedMessage {
  messageId: string | null;
  subject: string;
  /** As shown, `Name <a@b>`; empty where the header holds no address. */
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo: string[];
  /** Names in lower case, values unfolded; those of a repeated field stand on lines of their own. */
  headers: Record<string, string>;
  html: string | null;
  text: string | null;
  attachments: ReceivedAttachment[];
  /** `multipart/report; report-type=…`: which report the whole message is, where it is one. */
  reportType: string | null;
  /** Why the message could not be read by the book, in one sentence; null when it could. */
  problem: string | null;
}

const maxHeadSize = 256_000;
const maxParts = 500;
const maxHeaders = 500;
const maxHeaderLength = 8_000;
const maxAddresses = 1_000;
const maxLabelLength = 1_000;

const options = {
  keepCidLinks: true,
  keepDeliveryStatus: true,
  ignoreEmbedded: true, // a quoted or attached message must not pass for what its sender wrote
  skipTextToHtml: true,
  skipTextLinks: true,
  skipHtmlToText: true,
  checksumAlgo: false as const,
  maxHeadSize,
  maxChildNodes: maxParts,
};

/** Never throws: what can't be parsed is kept with its head alone, and says so in `problem`. */
export async function parseMessage(raw: Uint8Array): Promise<ReceivedMessage> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  try {
    return toMessage(await simpleParser(bytes, options), null);
  } catch (error) {
    const problem = `The message could not be read whole: ${error instanceof Error ? error.message : String(error)}`;
    return toMessage(await parseHead(bytes), clean(problem, maxLabelLength));
  }
}

/** The head alone, as much of it as is bearable. */
async function parseHead(bytes: Buffer): Promise<ParsedMail> {
  const end = bytes.subarray(0, maxHeadSize).indexOf("\r\n\r\n");
  const head = bytes.subarray(0, end === -1 ? maxHeadSize / 4 : end);
  // Without its Content-Type the head is that of an empty text, whatever the body would have been.
  const lines = head.toString("latin1").split(/\r\n(?![ \t])/);
  const kept = lines.filter((line) => !/^content-/i.test(line)).slice(0, maxHeaders);
  try {
    return await simpleParser(Buffer.from(`${kept.join("\r\n")}\r\n\r\n`, "latin1"), options);
  } catch {
    return { attachments: [], headers: new Map(), headerLines: [] };
  }
}

function toMessage(mail: ParsedMail, problem: string | null): ReceivedMessage {
  return {
    messageId: textOrNull(mail.messageId),
    subject: clean(mail.subject ?? "", maxHeaderLength),
    from: addressesOf(mail.from)[0] ?? "",
    to: addressesOf(mail.to),
    cc: addressesOf(mail.cc),
    bcc: addressesOf(mail.bcc),
    replyTo: addressesOf(mail.replyTo),
    headers: headersOf(mail),
    html: typeof mail.html === "string" ? mail.html.toWellFormed() : null,
    text: mail.text === undefined ? null : mail.text.toWellFormed(),
    attachments: mail.attachments.map(toAttachment),
    reportType: reportTypeOf(mail),
    problem,
  };
}

function toAttachment({
  filename,
  contentType,
  contentDisposition,
  cid,
  content,
}: Attachment): ReceivedAttachment {
  return {
    filename: textOrNull(filename),
    contentType: clean(contentType || "application/octet-stream", maxLabelLength).toLowerCase(),
    contentDisposition: contentDisposition?.toLowerCase() === "inline" || cid ? "inline" : "attachment",
    contentId: textOrNull(cid),
    content,
  };
}

function reportTypeOf({ headers }: ParsedMail): string | null {
  const type = headers?.get("content-type");
  if (!isStructured(type) || type.value.toLowerCase() !== "multipart/report") return null;
  return type.params["report-type"]?.toLowerCase() ?? null;
}

function isStructured(value: HeaderValue | undefined): value is StructuredHeader {
  return typeof value === "object" && "params" in value && "value" in value;
}

function addressesOf(field: AddressObject | AddressObject[] | undefined): string[] {
  const entries = (Array.isArray(field) ? field : [field]).flatMap((each) => each?.value ?? []);
  return entries
    .flatMap(({ group, ...entry }): EmailAddress[] => group ?? [entry])
    .filter(({ address }) => address)
    .slice(0, maxAddresses)
    .map(({ name, address = "" }) =>
      formatAddress({ name: clean(name, maxLabelLength), address: clean(address, maxLabelLength) }),
    );
}

function headersOf({ headerLines }: ParsedMail): Record<string, string> {
  const headers = new Map<string, string>();
  for (const { key, line } of headerLines.slice(0, maxHeaders)) {
    // The parser gives a character for each byte. RFC 6532: what is beyond ASCII is UTF-8.
    const value = clean(
      Buffer.from(line.slice(line.indexOf(":") + 1), "latin1").toString("utf8"),
      maxHeaderLength,
    );
    const known = headers.get(key);
    headers.set(key, known === undefined ? value : `${known}\n${value}`);
  }
  return Object.fromEntries(headers);
}

function textOrNull(text: string | undefined): string | null {
  return text ? clean(text, maxLabelLength) : null;
}

/** Without what would break a line or a page, and without half characters, which JSON and SQLite can't hold. */
function clean(text: string, maxLength: number): string {
  return text
    .slice(0, maxLength)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
}
