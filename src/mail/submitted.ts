/** Messages that users of ours made and hand in by SMTP (RFC 6409): what we have to know of one. */
import { createHash } from "node:crypto";
import { splitMessage } from "./dkim-canonical.ts";
import { encodeLongLines } from "./long-lines.ts";
import { parseMessage, type ReceivedMessage } from "./parse.ts";
import { headMistake, idempotencyField, nameOf, tagField, textOf } from "./submitted-head.ts";
import { submittedLinks } from "./submitted-tracking.ts";
import { wireMistake } from "./wire.ts";

export type SubmittedMessage = {
  message: ReceivedMessage;
  /** The From field as it stands, unfolded; the parsed one may hide what others would read in it. */
  from: string;
  /** As it stands, where the message has one. */
  messageId?: string;
  /** Values of the fields that are for us alone. */
  tags: string[];
  idempotencyKeys: string[];
  /** Of its HTML, where that may be rewritten; see `submittedLinks`. */
  links?: [id: string, url: string][];
  /** The same for what says the same: a client that sends again makes another Message-ID, Date and boundary. */
  fingerprint: string;
};

/** What a message says; or why it can't be sent, as a sentence for who made it. */
export async function readSubmitted(raw: Uint8Array): Promise<SubmittedMessage | { mistake: string }> {
  const leaving = encodeLongLines(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
  const onWire = wireMistake(leaving);
  if (onWire !== undefined) return { mistake: `The message has ${onWire}, where it can't be encoded.` };
  const { header } = splitMessage(raw);
  const inHead = headMistake(header);
  if (inHead !== undefined) return { mistake: inHead };
  const message = await parseMessage(raw);
  if (message.problem !== null) return { mistake: message.problem };

  const valuesOf = (name: string) => header.filter((field) => nameOf(field) === name).map(textOf);
  return {
    message,
    from: valuesOf("from")[0] ?? "",
    messageId: shownId(valuesOf("message-id")[0]),
    tags: valuesOf(tagField),
    idempotencyKeys: valuesOf(idempotencyField),
    links: submittedLinks(raw),
    fingerprint: fingerprintOf(message),
  };
}

/** Without what would break a page or a row; undefined where nothing is left. */
const shownId = (text = ""): string | undefined => text.replace(/\p{Cc}/gu, "").slice(0, 1_000) || undefined;

/** Fields that differ each time the same is sent. */
const passing = /^(?:date|message-id|received|mime-version|content-type|dkim-signature)$/;

function fingerprintOf({ headers, html, text, attachments }: ReceivedMessage): string {
  const said = Object.entries(headers).filter(([name]) => !passing.test(name));
  const files = attachments.map(({ filename, contentType, contentId, content }) => [
    ...[filename, contentType, contentId],
    createHash("sha256").update(content).digest("base64"),
  ]);
  return createHash("sha256")
    .update(JSON.stringify([said.sort(), html, text, files]))
    .digest("base64url");
}
