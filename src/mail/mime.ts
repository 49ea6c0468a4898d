import MailComposer from "nodemailer/lib/mail-composer";
import type MimeNode from "nodemailer/lib/mime-node";
import { type MessageAttachment, toMimePart } from "./attachment.ts";
import { base64Size, writeBase64 } from "./base64-lines.ts";
import { crlf, encodeText } from "./text-part.ts";

export type Mailbox = { name: string; address: string };

/** A message's header fields but for those of MIME, checked and ready for the composer. */
export type MessageFields = {
  messageId: string;
  date: Date;
  from: Mailbox;
  /** The string is a group without members. */
  to: Mailbox[] | string;
  cc: Mailbox[];
  replyTo: Mailbox[];
  /** Encoded. */
  subject: string;
  headers: { key: string; value: string }[];
};

/** An empty text or HTML makes no part. */
export type MessageBody = { text: string; html: string; attachments: MessageAttachment[] };

export const boundaryPrefix = "--_MailIt";

/** The parts of a message of any shape, as nodemailer's MailComposer arranges them. */
export function mimeTree(
  { subject, ...fields }: MessageFields,
  baseBoundary: string,
  { text, html, attachments }: MessageBody,
): MimeNode {
  const composer = new MailComposer({
    ...fields,
    text: crlf(text),
    html: crlf(html),
    attachments: attachments.map(toMimePart),
    disableFileAccess: true,
    disableUrlAccess: true,
    boundaryPrefix,
    baseBoundary,
  });
  const root = composer.compile();
  return root.setHeader("Subject", { prepared: true, foldLines: true, value: subject });
}

type Piece = string | { content: Buffer; isEncoded: boolean };

/**
 * The bytes that `root.build()` makes, written to where they end up: the library's streams would hold a large attachment
 * five times over, encoded and decoded.
 */
export async function buildMime(root: MimeNode): Promise<Uint8Array> {
  const pieces: Piece[] = [];
  await addNode(root, pieces);
  const last = pieces.findLast((piece) => sizeOf(piece) > 0);
  if (last === undefined || !endsLine(last)) pieces.push("\r\n");
  const message = Buffer.allocUnsafeSlow(pieces.reduce((size, piece) => size + sizeOf(piece), 0));
  let at = 0;
  for (const piece of pieces) at += write(piece, message, at);
  if (at !== message.byteLength) throw new Error("A part has another size than was reckoned");
  return message;
}

async function addNode(node: MimeNode, pieces: Piece[]): Promise<void> {
  const { content } = node;
  const encoding = node.getTransferEncoding();
  pieces.push(`${node.buildHeaders()}\r\n\r\n`);
  if (typeof content === "string") pieces.push(await encodeText(content, encoding || "7bit"));
  else if (Buffer.isBuffer(content)) {
    // `toMimePart` lets only messages fit for the wire through as such, and all else is base64.
    if (encoding === "quoted-printable") throw new Error("Bytes are never quoted-printable");
    pieces.push({ content, isEncoded: encoding === "base64" });
  }
  for (const [index, child] of node.childNodes.entries()) {
    pieces.push(`${index > 0 ? "\r\n" : ""}--${node.boundary}\r\n`);
    await addNode(child, pieces);
  }
  if (node.multipart) pieces.push(`\r\n--${node.boundary}--\r\n`);
}

function sizeOf(piece: Piece): number {
  if (typeof piece === "string") return Buffer.byteLength(piece);
  return piece.isEncoded ? base64Size(piece.content) : piece.content.byteLength;
}

function endsLine(piece: Piece): boolean {
  if (typeof piece === "string") return piece.endsWith("\n");
  return !piece.isEncoded && piece.content.at(-1) === 0x0a;
}

function write(piece: Piece, message: Buffer, at: number): number {
  if (typeof piece === "string") return message.write(piece, at);
  return piece.isEncoded ? writeBase64(piece.content, message, at) : piece.content.copy(message, at);
}
