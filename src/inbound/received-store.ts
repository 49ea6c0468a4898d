import { and, asc, desc, eq, getTableColumns, ne, type SQL, sql } from "drizzle-orm";
import { type Found, holdsText, lookThrough } from "../db/look-through.ts";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { deliveries, type Email, emails } from "../emails/schema.ts";
import {
  type InboundAttachment,
  type InboundBody,
  type InboundEmail,
  type InboundKind,
  inboundAttachments,
  inboundBodies,
  inboundEmails,
  inboundRaws,
} from "./schema.ts";

/** What has been read: before that there is nothing to show. */
export type ReceivedKind = Exclude<InboundKind, "unread">;

/** A page of what a team received, newest first; lists carry no bodies. */
export async function pageReceived(
  db: Db,
  teamId: string,
  kind: ReceivedKind,
  keyset: Keyset,
): Promise<InboundEmail[]> {
  return listReceived(db, ofKind(teamId, kind), keyset);
}

async function listReceived(db: Db, condition: SQL | undefined, keyset: Keyset): Promise<InboundEmail[]> {
  const { where, orderBy, limit } = pageOf(inboundEmails.id, condition, keyset);
  return newestFirst(
    await db.select().from(inboundEmails).where(where).orderBy(orderBy).limit(limit),
    keyset,
  );
}

/** Those that have a text in their sender, recipients or subject. */
export function searchReceived(
  db: Db,
  teamId: string,
  kind: ReceivedKind,
  text: string,
  page: Keyset & { limit: number },
): Promise<Found<InboundEmail>> {
  const { id, sender, subject, recipients, receivedFor, mailFrom } = inboundEmails;
  const wanted = holdsText(text, [sender, subject, recipients, receivedFor, mailFrom]);
  const all = ofKind(teamId, kind);
  return lookThrough(db, id, { all, wanted }, page, (condition) => listReceived(db, condition, page));
}

/** The same by numbers: `limit` of a team's mail behind the newest `offset`. */
export async function sliceReceived(
  db: Db,
  teamId: string,
  { offset, limit }: { offset: number; limit: number },
): Promise<InboundEmail[]> {
  return db
    .select()
    .from(inboundEmails)
    .where(ofKind(teamId, "email"))
    .orderBy(desc(inboundEmails.id))
    .limit(limit)
    .offset(offset);
}

/** How much mail a team has, counted to `most` and no further. */
export async function countReceived(db: Db, teamId: string, most: number): Promise<number> {
  const counted = db
    .select({ id: inboundEmails.id })
    .from(inboundEmails)
    .where(ofKind(teamId, "email"))
    .limit(most)
    .as("counted");
  const row = await db.select({ total: sql<number>`count(*)` }).from(counted).get();
  return row?.total ?? 0;
}

const ofKind = (teamId: string, kind: ReceivedKind) =>
  and(eq(inboundEmails.teamId, teamId), eq(inboundEmails.kind, kind));

export interface Received {
  row: InboundEmail;
  body: InboundBody;
}

export async function findReceived(db: Db, teamId: string, id: string): Promise<Received | undefined> {
  return db
    .select({ row: getTableColumns(inboundEmails), body: getTableColumns(inboundBodies) })
    .from(inboundEmails)
    .innerJoin(inboundBodies, eq(inboundBodies.inboundId, inboundEmails.id))
    .where(isReceived(teamId, id))
    .get();
}

/** The email whose return path a message came back by. */
export async function findDeliveredEmail(
  db: Db,
  deliveryId: string,
): Promise<Pick<Email, "tags"> | undefined> {
  return db
    .select({ tags: emails.tags })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .where(eq(deliveries.id, deliveryId))
    .get();
}

export async function hasReceived(db: Db, teamId: string, id: string): Promise<boolean> {
  const row = await db
    .select({ id: inboundEmails.id })
    .from(inboundEmails)
    .where(isReceived(teamId, id))
    .get();
  return row !== undefined;
}

const isReceived = (teamId: string, id: string) =>
  and(eq(inboundEmails.id, id), eq(inboundEmails.teamId, teamId), ne(inboundEmails.kind, "unread"));

/** The attachments of several emails, those of each in their order. */
export async function listAttachmentsOf(db: Db, inboundIds: string[]): Promise<InboundAttachment[]> {
  if (inboundIds.length === 0) return [];
  const rows = await db
    .select()
    .from(inboundAttachments)
    .where(
      sql`${inboundAttachments.inboundId} in (select value from json_each(${JSON.stringify(inboundIds)}))`,
    );
  return rows.sort((a, b) => a.position - b.position);
}

/** A page of an email's attachments in the message's order, one row more than asked for. */
export async function pageReceivedAttachments(
  db: Db,
  inboundId: string,
  { limit, after, before }: Keyset,
): Promise<InboundAttachment[]> {
  const { position } = inboundAttachments;
  // A cursor of another email, or of none, has no position: nothing comes before or after it.
  const cursor = sql`(select position from inbound_attachments where id = ${after ?? before} and inbound_id = ${inboundId})`;
  const rows = await db
    .select()
    .from(inboundAttachments)
    .where(
      and(
        eq(inboundAttachments.inboundId, inboundId),
        after ? sql`${position} > ${cursor}` : undefined,
        before ? sql`${position} < ${cursor}` : undefined,
      ),
    )
    .orderBy(before ? desc(position) : asc(position))
    .limit(limit === undefined ? -1 : limit + 1);
  return before ? rows.reverse() : rows;
}

export async function findReceivedAttachment(db: Db, id: string): Promise<InboundAttachment | undefined> {
  return db.select().from(inboundAttachments).where(eq(inboundAttachments.id, id)).get();
}

/** The pieces of which a message is put together again as it was taken; `bytes` or `blobHash` has the most of it. */
export async function findRawPieces(
  db: Db,
  id: string,
): Promise<{ results: string; bytes: Buffer | null; blobHash: string | null } | undefined> {
  return db
    .select({
      results: inboundBodies.results,
      bytes: inboundRaws.bytes,
      blobHash: inboundEmails.blobHash,
    })
    .from(inboundEmails)
    .innerJoin(inboundBodies, eq(inboundBodies.inboundId, inboundEmails.id))
    .leftJoin(inboundRaws, eq(inboundRaws.inboundId, inboundEmails.id))
    .where(eq(inboundEmails.id, id))
    .get();
}

/** Removes an email with all that belongs to it, and writes down the blobs that lose a name. */
export const deleteReceived = (teamId: string, id: string, now: Date): Write[] => [
  rawWrite(
    `insert or ignore into unnamed_blobs (hash, since)
     select blob_hash, ?3 from inbound_emails
     where id = ?1 and team_id = ?2 and kind <> 'unread' and blob_hash is not null`,
    [id, teamId, now.getTime()],
  ),
  rawWrite(
    `insert or ignore into unnamed_blobs (hash, since)
     select a.blob_hash, ?3 from inbound_emails e join inbound_attachments a on a.inbound_id = e.id
     where e.id = ?1 and e.team_id = ?2 and e.kind <> 'unread'`,
    [id, teamId, now.getTime()],
  ),
  rawWrite("delete from inbound_emails where id = ?1 and team_id = ?2 and kind <> 'unread'", [id, teamId]),
  expectChange(),
];
