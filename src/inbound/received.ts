/** Received mail as its team reads it: what a message worker has read, with its attachments and the way to its files. */
import { type App, atomically, requireRole } from "../app.ts";
import { searchText } from "../db/look-through.ts";
import type { Keyset } from "../db/page.ts";
import { hasInvitationLink, isInvitation } from "../emails/invitation-link.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId } from "../ids.ts";
import { withPictures } from "./pictures.ts";
import { type FileLink, linkRaw } from "./received-links.ts";
import {
  countReceived,
  deleteReceived,
  findDeliveredEmail,
  findReceived,
  hasReceived,
  listAttachmentsOf,
  pageReceived,
  type Received,
  type ReceivedKind,
  searchReceived,
  sliceReceived,
} from "./received-store.ts";
import type { InboundAttachment, InboundBody, InboundEmail } from "./schema.ts";

export interface ReceivedEmail extends InboundEmail {
  attachments: InboundAttachment[];
}

/** How the HTML shows pictures that came with it: by themselves, or by the ids of their attachments (RFC 2392). */
export type HtmlFormat = "data_uri" | "cid";

export interface ReceivedWhole extends ReceivedEmail, Pick<InboundBody, "headers" | "html" | "text"> {
  htmlFormat: HtmlFormat;
  raw: FileLink;
}

/** A page, newest first. */
export async function getReceivedEmails(
  app: App,
  teamId: string,
  kind: ReceivedKind,
  keyset: Keyset,
): Promise<ReceivedEmail[]> {
  return withAttachments(app, await pageReceived(app.db, teamId, kind, keyset));
}

export interface FoundReceived {
  emails: ReceivedEmail[];
  /** The cursor from which to look on; undefined where all has been looked at. */
  next: string | undefined;
}

/** The newest emails with a text in sender, recipients or subject, of the next 2,000; capitals of ASCII don't matter. */
export async function findReceivedBy(
  app: App,
  teamId: string,
  kind: ReceivedKind,
  text: string,
  { limit = 50, after }: Keyset,
): Promise<FoundReceived> {
  const wanted = searchText(text);
  if (wanted === "") {
    const rows = await pageReceived(app.db, teamId, kind, { limit, after });
    const emails = await withAttachments(app, rows.slice(0, limit));
    return { emails, next: rows.length > limit ? rows[limit - 1]!.id : undefined };
  }
  const { rows, next } = await searchReceived(app.db, teamId, kind, wanted, { limit, after });
  return { emails: await withAttachments(app, rows), next };
}

/** As far as pages with numbers lead, and mail is counted for them: both cost the more the further they go. */
const numberedMost = 10_000;

export interface NumberedPage {
  /** One more than asked for where there are more. */
  emails: ReceivedEmail[];
  /** Counted to 10,000. */
  total: number;
}

/** The page of this number, from 1. */
export async function getNumberedPage(
  app: App,
  teamId: string,
  { page, perPage }: { page: number; perPage: number },
): Promise<NumberedPage> {
  const offset = (page - 1) * perPage;
  if (offset >= numberedMost) {
    throw new Refusal(
      "validation_error",
      `Pages lead back ${numberedMost} emails. Go on with \`GET /emails/receiving\` and its \`after\`.`,
    );
  }
  const [rows, total] = await Promise.all([
    sliceReceived(app.db, teamId, { offset, limit: perPage + 1 }),
    countReceived(app.db, teamId, numberedMost),
  ]);
  return { emails: await withAttachments(app, rows), total };
}

async function withAttachments(app: App, rows: InboundEmail[]): Promise<ReceivedEmail[]> {
  const found = await listAttachmentsOf(
    app.db,
    rows.map(({ id }) => id),
  );
  const byEmail = Map.groupBy(found, ({ inboundId }) => inboundId);
  return rows.map((row) => ({ ...row, attachments: byEmail.get(row.id) ?? [] }));
}

/** Everything about one. Pictures that would make its HTML too large stay attachments, and `htmlFormat` says so. */
export async function getReceivedEmail(
  app: App,
  teamId: string,
  id: string,
  wanted: HtmlFormat,
): Promise<ReceivedWhole> {
  const { row, body } = await getReadable(app, teamId, id);
  const attachments = await listAttachmentsOf(app.db, [row.id]);
  const shown =
    wanted === "data_uri" && body.html !== null ? await withPictures(app, body.html, attachments) : body.html;
  const { headers, text } = body;
  return {
    ...{ ...row, attachments, headers, text, raw: linkRaw(app, row.id) },
    ...(shown === undefined ? { html: body.html, htmlFormat: "cid" } : { html: shown, htmlFormat: wanted }),
  };
}

/** Whether there is such an email whose content whoever asks may read; gives the id as it is stored. */
export async function requireReadable(app: App, teamId: string, id: string): Promise<string> {
  return (await getReadable(app, teamId, id)).row.id;
}

async function getReadable(app: App, teamId: string, id: string): Promise<Received> {
  const found = isId(id) ? await findReceived(app.db, teamId, id.toLowerCase()) : undefined;
  if (!found) throw receivedMissing();
  // What answers an invitation may quote its link: that is for who may invite.
  if (await answersInvitation(app, found)) requireRole(app, "admin");
  return found;
}

async function answersInvitation(app: App, { row: { deliveryId }, body }: Received): Promise<boolean> {
  if (hasInvitationLink(body)) return true;
  const email = deliveryId === null ? undefined : await findDeliveredEmail(app.db, deliveryId);
  return email !== undefined && isInvitation(email);
}

/** Whether there is such an email, for who needs to know no more; gives the id as it is stored. */
export async function requireReceived(app: App, teamId: string, id: string): Promise<string> {
  const stored = id.toLowerCase();
  if (!isId(id) || !(await hasReceived(app.db, teamId, stored))) throw receivedMissing();
  return stored;
}

/** For good: its bodies, its attachments and the message itself. Gives the id as it was stored. */
export async function removeReceived(app: App, teamId: string, id: string): Promise<string> {
  const stored = await requireReceived(app, teamId, id);
  await atomically(app, deleteReceived(teamId, stored, app.now())).catch((error: unknown) => {
    throw error instanceof WriteConflict && error.kind === "stale" ? receivedMissing() : error;
  });
  return stored;
}

const receivedMissing = () => new Refusal("not_found", "Email not found");
