/** The attachments of emails that were accepted, each with a link at which it can be had without a key. */
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { guessType } from "../mail/attachment.ts";
import { findAttachment, pageAttachments } from "./attachment-store.ts";
import { downloadLink, downloadsLastMs, type StoredFile } from "./download-link.ts";
import { requireEmail } from "./read.ts";
import type { Attachment } from "./schema.ts";
import { findContentRemovedAt } from "./store.ts";

/** What links to these files are signed for. */
export const attachmentPurpose = "attachment";

export interface LinkedAttachment extends Omit<Attachment, "contentType"> {
  /** As its client gave it, else by its name. */
  contentType: string;
  downloadUrl: string;
  expiresAt: Date;
}

/** A page in the order they were given. */
export async function getAttachments(
  app: App,
  teamId: string,
  emailId: string,
  keyset: Keyset,
): Promise<LinkedAttachment[]> {
  const stored = await requireEmail(app, teamId, emailId);
  const rows = await pageAttachments(app.db, stored, keyset);
  const expiresAt = new Date(app.now().getTime() + downloadsLastMs);
  return rows.map((row) => linkAttachment(app, row, expiresAt));
}

/** When they were removed, with what else the email said; undefined while they are there. */
export async function attachmentsRemovedAt(
  app: App,
  teamId: string,
  emailId: string,
): Promise<Date | undefined> {
  return findContentRemovedAt(app.db, await requireEmail(app, teamId, emailId));
}

export async function getAttachment(
  app: App,
  teamId: string,
  emailId: string,
  id: string,
): Promise<LinkedAttachment> {
  const stored = await requireEmail(app, teamId, emailId);
  const row = isId(id) ? await findAttachment(app.db, id.toLowerCase()) : undefined;
  if (row?.emailId !== stored) throw new Refusal("not_found", "Attachment not found");
  return linkAttachment(app, row, new Date(app.now().getTime() + downloadsLastMs));
}

/** What a link to an attachment leads to; whoever asks has shown such a link. */
export async function findAttachmentFile(app: App, id: string): Promise<StoredFile | undefined> {
  const row = await findAttachment(app.db, id);
  return row && { ...row, contentType: typeOf(row), version: row.blobHash };
}

export function linkAttachment(app: App, row: Attachment, expiresAt: Date): LinkedAttachment {
  const downloadUrl = downloadLink(app, attachmentPurpose, row.id, expiresAt);
  return { ...row, contentType: typeOf(row), downloadUrl, expiresAt };
}

const typeOf = ({ contentType, filename }: Attachment): string =>
  contentType ?? guessType(filename ?? undefined);
