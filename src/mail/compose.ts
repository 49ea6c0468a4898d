import { createHash } from "node:crypto";
import { encodeWord } from "nodemailer/lib/mime-funcs";
import { type Address, parseAddress } from "./address.ts";
import type { MessageAttachment } from "./attachment.ts";
import { fieldMistake } from "./headers.ts";
import { type Merge, mergeText } from "./merge.ts";
import { mergeEdits } from "./merge-html.ts";
import { boundaryPrefix, buildMime, type Mailbox, type MessageFields, mimeTree } from "./mime.ts";
import { buildPlain } from "./plain.ts";
import { applyEdits, joinEdits } from "./text-edits.ts";
import { sharedText, shownContent, textPartsOf } from "./text-parts.ts";
import { type Tracking, trackEdits, unsubscribeUrls } from "./tracking.ts";
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
  /** Absent: the HTML goes out as it is. */
  tracking?: Tracking;
  /** What this recipient's fields of html and text are filled with. Absent: they are no fields. */
  merge?: Merge;
};

/**
 * Makes the message (RFC 5322, MIME): CRLF lines of at most 998 octets, and headers in ASCII but for addresses that need
 * SMTPUTF8. The same source gives the same bytes, so a retry sends what the first attempt sent. Throws rather than
 * making a message that hosts could read differently.
 */
export async function composeMessage(source: MessageSource): Promise<Uint8Array> {
  const { messageId } = source;
  if (!/^<[!-;=?-~]+@[!-;=?-~]+>$/.test(messageId)) throw new Error(`Not a Message-ID: ${messageId}`);
  for (const [name, value] of Object.entries(source.headers)) {
    const mistake = fieldMistake(name, value);
    if (mistake !== undefined) throw new Error(mistake);
  }

  const baseBoundary = baseBoundaryOf(messageId);
  const fields = fieldsOf(source);
  const [ownHtml, ownText] = [ownHtmlOf(source), ownTextOf(source)];
  const own = {
    ...(ownHtml !== undefined && { html: ownHtml }),
    ...(ownText !== undefined && { text: ownText }),
  };
  const { attachments } = source;
  const message =
    attachments.length === 0
      ? buildPlain(fields, `${boundaryPrefix}-${baseBoundary}-Part_1`, await textPartsOf({ ...source, own }))
      : await buildMime(
          mimeTree(fields, baseBoundary, {
            ...shownContent(source),
            ...own,
            attachments,
          }),
        );
  const mistake = wireMistake(message);
  if (mistake !== undefined) throw new Error(`The composed message has ${mistake}`);
  return message;
}

/** Undefined where it is the same for every recipient. */
function ownHtmlOf({ html, tracking, merge, headers }: MessageSource): string | undefined {
  if (!html || !(tracking || merge)) return undefined;
  // Both are edits of the HTML that all recipients have in common: what is filled in is never looked at for links.
  const tracked = tracking ? trackEdits(html, tracking, unsubscribeUrls(headers)) : [];
  return applyEdits(html, merge ? joinEdits(mergeEdits(html, merge), tracked) : tracked);
}

/** The same for the text. One that is made from the HTML is made of the fields, so that no value is read as HTML. */
function ownTextOf({ html, text, merge }: MessageSource): string | undefined {
  return merge && mergeText(text ?? sharedText(html ?? ""), merge);
}

/** Nobody who writes a part knows the Message-ID it will get, so no content can contain the boundary on purpose. */
export function baseBoundaryOf(messageId: string): string {
  return createHash("sha256").update(messageId).digest("hex").slice(0, 32);
}

/** What both ways of building a message start from. */
export function fieldsOf(source: MessageSource): MessageFields {
  const { messageId, date, from, to, cc, replyTo, subject, headers } = source;
  return {
    messageId,
    date,
    from: mailboxOf(from),
    // RFC 5322 §3.6.3: an empty group says that the recipients are not shown; filters distrust a message without To.
    to: to.length + cc.length === 0 ? "Undisclosed recipients:;" : to.map(mailboxOf),
    cc: cc.map(mailboxOf),
    replyTo: replyTo.map(mailboxOf),
    subject: encodeSubject(subject),
    // Runs of spaces go: folding at them could leave a line that is all white space, which some hosts take for the end.
    headers: Object.entries(headers).map(([key, value]) => ({
      key,
      value: value.replace(/ +/g, " ").trim(),
    })),
  };
}

function mailboxOf(text: string): Mailbox {
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
