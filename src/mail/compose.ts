import { createHash } from "node:crypto";
import MailComposer from "nodemailer/lib/mail-composer";
import { encodeWord } from "nodemailer/lib/mime-funcs";
import { type Address, parseAddress } from "./address.ts";
import { type MessageAttachment, toMimePart } from "./attachment.ts";
import { fieldMistake } from "./headers.ts";
import { textFromHtml } from "./text.ts";
import { wireMistake } from "./wire.ts";

/** What a message is made of. There is no Bcc: a message never names who else got it. */
export type MessageSource = {
  /** With its angle brackets. */
  messageId: string;
  date: Date;
  from: string;
  to: string[];
  cc: string[];
  replyTo: string[];
  subject: string;
  html?: string;
  /** Undefined: made from the HTML. Empty: no text part. */
  text?: string;
  headers: Record<string, string>;
  attachments: MessageAttachment[];
};

/**
 * Makes the message (RFC 5322, MIME): CRLF lines of at most 998 octets, and headers in ASCII but for addresses that need
 * SMTPUTF8. The same source gives the same bytes, so a retry sends what the first attempt sent. Throws rather than
 * making a message that hosts could read differently.
 */
export async function composeMessage(source: MessageSource): Promise<Uint8Array> {
  const { messageId, date, html } = source;
  if (!/^<[!-;=?-~]+@[!-;=?-~]+>$/.test(messageId)) throw new Error(`Not a Message-ID: ${messageId}`);
  for (const [name, value] of Object.entries(source.headers)) {
    const mistake = fieldMistake(name, value);
    if (mistake !== undefined) throw new Error(mistake);
  }

  const text = source.text ?? (html === undefined ? "" : textFromHtml(html));
  const composer = new MailComposer({
    messageId,
    date,
    from: mailboxOf(source.from),
    ...recipientFields(source),
    replyTo: source.replyTo.map(mailboxOf),
    text: crlf(text),
    html: crlf(html ?? ""),
    // Runs of spaces go: folding at them could leave a line that is all white space, which some hosts take for the end.
    headers: Object.entries(source.headers).map(([key, value]) => ({
      key,
      value: value.replace(/ +/g, " ").trim(),
    })),
    attachments: source.attachments.map(toMimePart),
    disableFileAccess: true,
    disableUrlAccess: true,
    boundaryPrefix: "--_MailIt",
    // Nobody who writes a part knows the Message-ID it will get, so no content can contain the boundary on purpose.
    baseBoundary: createHash("sha256").update(messageId).digest("hex").slice(0, 32),
  });
  const root = composer.compile();
  const subject = encodeSubject(source.subject);
  root.setHeader("Subject", { prepared: true, foldLines: true, value: subject });

  const message = await root.build();
  const mistake = wireMistake(message);
  if (mistake !== undefined) throw new Error(`The composed message has ${mistake}`);
  return message;
}

function recipientFields({ to, cc }: MessageSource) {
  // RFC 5322 §3.6.3: an empty group says that the recipients are not shown; filters distrust a message without To.
  if (to.length + cc.length === 0) return { to: "Undisclosed recipients:;" };
  return { to: to.map(mailboxOf), cc: cc.map(mailboxOf) };
}

function mailboxOf(text: string): { name: string; address: string } {
  const address: Address | undefined = parseAddress(text);
  if (address === undefined) throw new Error(`Not an address: ${JSON.stringify(text.slice(0, 200))}`);
  return { name: address.name ?? "", address: address.address };
}

/** The subject as it is when every reader would show it unchanged, else in encoded words (RFC 2047). */
function encodeSubject(subject: string): string {
  const line = subject.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
  // Folding and unfolding change spaces, long words can't be folded, and `=?` would be decoded.
  const isPlain = /^[ -~]*$/.test(line) && !/^ | $| {2}|=\?|[^ ]{200}/.test(line);
  if (isPlain || line === "") return line;
  // The quoted form is the shorter and readable one as long as most characters are ASCII letters.
  const letters = line.match(/[a-z]/gi)?.length ?? 0;
  const others = line.match(/[^\0-\x7f]/g)?.length ?? 0;
  return encodeWord(line, others < letters ? "Q" : "B", 52);
}

/** RFC 2045 §6.7 and §6.8: line ends of text are CRLF before any encoding. */
function crlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}
