/** The files of received mail, each with a link at which it can be had without a key: attachments, and the message itself. */
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import type { StoredFile } from "../emails/download-link.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { requireReadable } from "./received.ts";
import { type LinkedInboundAttachment, linkReceivedAttachment } from "./received-links.ts";
import { findRawPieces, findReceivedAttachment, pageReceivedAttachments } from "./received-store.ts";

/** A page in the message's order. */
export async function getReceivedAttachments(
  app: App,
  teamId: string,
  inboundId: string,
  keyset: Keyset,
): Promise<LinkedInboundAttachment[]> {
  const stored = await requireReadable(app, teamId, inboundId);
  const rows = await pageReceivedAttachments(app.db, stored, keyset);
  return rows.map((row) => linkReceivedAttachment(app, row));
}

export async function getReceivedAttachment(
  app: App,
  teamId: string,
  inboundId: string,
  id: string,
): Promise<LinkedInboundAttachment> {
  const stored = await requireReadable(app, teamId, inboundId);
  const row = isId(id) ? await findReceivedAttachment(app.db, id.toLowerCase()) : undefined;
  if (row?.inboundId !== stored) throw new Refusal("not_found", "Attachment not found");
  return linkReceivedAttachment(app, row);
}

/** What a link to an attachment leads to; whoever asks has shown such a link. */
export async function findReceivedFile(app: App, id: string): Promise<StoredFile | undefined> {
  const row = await findReceivedAttachment(app.db, id);
  return row && { ...row, version: row.blobHash };
}

/** The same for a message: what we found of its origin, then the bytes as they were stored. */
export async function findRawFile(app: App, id: string): Promise<StoredFile | undefined> {
  const found = await findRawPieces(app.db, id);
  if (!found) return undefined;
  const { results, bytes, blobHash } = found;
  const head = Buffer.concat([Buffer.from(results), ...(bytes ? [bytes] : [])]);
  const blobSize = blobHash === null ? 0 : await app.blobs.sizeOf(blobHash);
  if (blobSize === undefined) throw new Refusal("not_found", "This file is not kept any more.");
  const size = head.length + blobSize;
  return { filename: `${id}.eml`, contentType: "message/rfc822", size, head, blobHash, version: id };
}

/** As much of a message as pages show: the head, and some of what follows. */
const startBytes = 256 * 1024 + 1;

/** The beginning of a message as it was taken, or all of a small one. */
export async function getReceivedStart(app: App, teamId: string, inboundId: string): Promise<Uint8Array> {
  const file = await findRawFile(app, await requireReadable(app, teamId, inboundId));
  if (!file) throw new Refusal("not_found", "Email not found");
  const { head = new Uint8Array(), blobHash } = file;
  if (blobHash === null) return head.subarray(0, startBytes);
  const end = Math.min(startBytes, file.size - head.length);
  const stream = await app.blobs.stream(blobHash, { start: 0, end });
  const rest = stream ? new Uint8Array(await new Response(stream).arrayBuffer()) : new Uint8Array();
  return Buffer.concat([head, rest]);
}
