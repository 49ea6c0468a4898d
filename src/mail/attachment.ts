import type { MailComposerAttachment } from "nodemailer/lib/mail-composer";
import { detectExtension, detectMimeType } from "nodemailer/lib/mime-funcs";
import { wireMistake } from "./wire.ts";

export type MessageAttachment = {
  filename?: string;
  contentType?: string;
  /** With it an attachment of an HTML email goes inline, where `cid:` links find it. */
  contentId?: string;
  content: Uint8Array;
};

const mediaType = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}(?:\s*;[ -~]*)?$/i;
const maxTypeLength = 255;
const maxFilenameLength = 120;
const maxContentIdLength = 200;

/** An attachment as the composer takes it, with what a client said about it made safe for the part's header. */
export function toMimePart({
  filename,
  contentType,
  contentId,
  content,
}: MessageAttachment): MailComposerAttachment {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const type = contentType === undefined ? undefined : safeType(contentType.trim(), bytes);
  const cid = contentId?.replace(/[^!-~]|[<>]/g, "").slice(0, maxContentIdLength);
  return {
    filename: filename === undefined ? undefined : safeFilename(filename) || undefined,
    contentType: type,
    cid: cid === "" ? undefined : cid,
    content: bytes,
  };
}

/** What an attachment travels as whose type nobody gave: the composer guesses by the extension, and so does this. */
export function guessType(filename: string | undefined): string {
  return detectMimeType(filename ?? "");
}

/**
 * The extension under which a reader saves an attachment, lower-case and perhaps "". Where there is no name, the composer
 * makes one from the type; dots and spaces at its end are nothing to Windows.
 */
export function extensionOf({ filename = "", contentType }: Omit<MessageAttachment, "content">): string {
  const name = safeFilename(filename);
  if (name === "") return contentType === undefined ? "" : detectExtension(contentType.trim().toLowerCase());
  const shown = name.replace(/\p{Cf}/gu, ""); // characters nobody sees
  return /\.([^.\s]+)[.\s]*$/.exec(shown)?.[1]?.toLowerCase() ?? "";
}

/** Whether a name's extension says what is in the file, so that no type has to be given beside it. */
export function saysItsType(filename: string): boolean {
  return detectMimeType(filename) !== "application/octet-stream";
}

function safeType(type: string, content: Buffer): string {
  if (type.length > maxTypeLength || !mediaType.test(type)) return "application/octet-stream";
  // A multipart type is a promise about the structure of the message, which only the composer can keep.
  if (/^multipart\//i.test(type)) return "application/octet-stream";
  // RFC 2046 §5.2.1: a message can't be encoded, so only one that is fit for the wire travels as what it is.
  if (/^message\//i.test(type) && !isSevenBitMessage(content)) return "application/octet-stream";
  return type;
}

function isSevenBitMessage(content: Buffer): boolean {
  return wireMistake(content) === undefined && content.every((byte) => byte < 0x80);
}

/** A file's name without folders and control characters, and short enough for its encoded form to fit a line; the extension stays. */
export function safeFilename(filename: string): string {
  const name = filename
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}/\\]+/gu, "_")
    .trim();
  const characters = [...name];
  if (characters.length <= maxFilenameLength) return name;
  const extension = /\.[a-z0-9]{1,10}$/i.exec(name)?.[0] ?? "";
  return characters.slice(0, maxFilenameLength - extension.length).join("") + extension;
}
