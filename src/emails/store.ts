import { and, asc, eq, getTableColumns, lt, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { preparedWrite, type Write } from "../db/write.ts";
import {
  type Attachment,
  attachments,
  type Content,
  contents,
  type Delivery,
  deliveries,
  type Email,
  emails,
  idempotencyKeys,
  type LastEvent,
} from "./schema.ts";

const { placeholder } = sql;

export const insertContent = preparedWrite<Content>((db) =>
  db.insert(contents).values({
    id: placeholder("id"),
    html: placeholder("html"),
    text: placeholder("text"),
    createdAt: placeholder("createdAt"),
  }),
);

export const insertEmail = preparedWrite<Email>((db) =>
  db.insert(emails).values({
    id: placeholder("id"),
    teamId: placeholder("teamId"),
    domainId: placeholder("domainId"),
    apiKeyId: placeholder("apiKeyId"),
    messageId: placeholder("messageId"),
    sender: placeholder("sender"),
    recipients: placeholder("recipients"),
    cc: placeholder("cc"),
    bcc: placeholder("bcc"),
    replyTo: placeholder("replyTo"),
    subject: placeholder("subject"),
    contentId: placeholder("contentId"),
    headers: placeholder("headers"),
    tags: placeholder("tags"),
    topicId: placeholder("topicId"),
    lastEvent: placeholder("lastEvent"),
    scheduledAt: placeholder("scheduledAt"),
    createdAt: placeholder("createdAt"),
  }),
);

export const insertDelivery = preparedWrite<
  Pick<
    Delivery,
    | "id"
    | "teamId"
    | "emailId"
    | "recipient"
    | "domain"
    | "state"
    | "nextAttemptAt"
    | "settledAt"
    | "createdAt"
  >
>((db) =>
  db.insert(deliveries).values({
    id: placeholder("id"),
    teamId: placeholder("teamId"),
    emailId: placeholder("emailId"),
    recipient: placeholder("recipient"),
    domain: placeholder("domain"),
    state: placeholder("state"),
    attempts: 0,
    nextAttemptAt: placeholder("nextAttemptAt"),
    settledAt: placeholder("settledAt"),
    createdAt: placeholder("createdAt"),
  }),
);

export const insertAttachment = preparedWrite<Attachment>((db) =>
  db.insert(attachments).values({
    id: placeholder("id"),
    emailId: placeholder("emailId"),
    position: placeholder("position"),
    filename: placeholder("filename"),
    contentType: placeholder("contentType"),
    contentId: placeholder("contentId"),
    size: placeholder("size"),
    blobHash: placeholder("blobHash"),
  }),
);

export const setLastEvent = preparedWrite<{ id: string; lastEvent: LastEvent }>((db) =>
  db
    .update(emails)
    .set({ lastEvent: sql`${placeholder("lastEvent")}` })
    .where(eq(emails.id, placeholder("id"))),
);

/** Remembers an answer for a key, unless one younger than `since` is remembered already: then it changes nothing. */
export const insertIdempotencyKey = (db: Db, row: typeof idempotencyKeys.$inferInsert, since: Date): Write =>
  db
    .insert(idempotencyKeys)
    .values(row)
    .onConflictDoUpdate({
      target: [idempotencyKeys.teamId, idempotencyKeys.endpoint, idempotencyKeys.key],
      set: { bodyHash: row.bodyHash, answer: row.answer, createdAt: row.createdAt },
      setWhere: sql`${idempotencyKeys.createdAt} < ${since.getTime()}`,
    });

export const deleteIdempotencyKeys = (db: Db, before: Date): Write =>
  db.delete(idempotencyKeys).where(lt(idempotencyKeys.createdAt, before));

export async function findIdempotencyKey(db: Db, teamId: string, endpoint: string, key: string, since: Date) {
  return db
    .select()
    .from(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.teamId, teamId),
        eq(idempotencyKeys.endpoint, endpoint),
        eq(idempotencyKeys.key, key),
        sql`${idempotencyKeys.createdAt} >= ${since.getTime()}`,
      ),
    )
    .get();
}

export type EmailWithContent = Email & Pick<Content, "html" | "text">;

export async function findEmail(db: Db, teamId: string, id: string): Promise<EmailWithContent | undefined> {
  return db
    .select({ ...getTableColumns(emails), html: contents.html, text: contents.text })
    .from(emails)
    .innerJoin(contents, eq(contents.id, emails.contentId))
    .where(and(eq(emails.teamId, teamId), eq(emails.id, id)))
    .get();
}

/** A page of a team's emails, newest first; lists carry no bodies. */
export async function listEmails(db: Db, teamId: string, keyset: Keyset): Promise<Email[]> {
  const { where, orderBy, limit } = pageOf(emails.id, eq(emails.teamId, teamId), keyset);
  return newestFirst(await db.select().from(emails).where(where).orderBy(orderBy).limit(limit), keyset);
}

export async function listAttachments(db: Db, emailId: string): Promise<Attachment[]> {
  return db
    .select()
    .from(attachments)
    .where(eq(attachments.emailId, emailId))
    .orderBy(asc(attachments.position));
}

export async function listDeliveries(db: Db, teamId: string, emailId: string): Promise<Delivery[]> {
  return db
    .select()
    .from(deliveries)
    .where(and(eq(deliveries.emailId, emailId), eq(deliveries.teamId, teamId)))
    .orderBy(asc(deliveries.id));
}
