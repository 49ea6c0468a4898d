import { and, asc, eq, getTableColumns, gt, lt, lte, notInArray, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { findPlace, type Keyset, type Numbers, newestFirst, type Place, pageOf } from "../db/page.ts";
import { preparedRead } from "../db/read.ts";
import { preparedWrite, type Write } from "../db/write.ts";
import {
  type Attachment,
  attachments,
  type Content,
  contents,
  type Delivery,
  deliveries,
  type Email,
  type EmailSource,
  emailSources,
  emails,
  type IdempotencyKey,
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

export type NewEmail = Omit<Email, "contentRemovedAt">;

export const insertEmail = preparedWrite<NewEmail>((db) =>
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
    tracking: placeholder("tracking"),
    broadcastId: placeholder("broadcastId"),
    merge: placeholder("merge"),
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

export const insertSource = preparedWrite<EmailSource>((db) =>
  db.insert(emailSources).values({
    emailId: placeholder("emailId"),
    size: placeholder("size"),
    raw: placeholder("raw"),
    blobHash: placeholder("blobHash"),
  }),
);

export const setLastEvent = preparedWrite<{ id: string; lastEvent: LastEvent }>((db) =>
  db
    .update(emails)
    .set({ lastEvent: sql`${placeholder("lastEvent")}` })
    .where(eq(emails.id, placeholder("id"))),
);

/** The same for a step of a delivery under way: what one recipient has read is not unread because another's is late. */
export const setProgress = preparedWrite<{ id: string; lastEvent: "delivered" | "delivery_delayed" }>((db) =>
  db
    .update(emails)
    .set({ lastEvent: sql`${placeholder("lastEvent")}` })
    .where(and(eq(emails.id, placeholder("id")), notInArray(emails.lastEvent, ["opened", "clicked"]))),
);

/** Remembers an answer for a key under which nothing is remembered; a unique conflict says that something is. */
export const insertIdempotencyKey = preparedWrite<IdempotencyKey>((db) =>
  db.insert(idempotencyKeys).values({
    fingerprint: placeholder("fingerprint"),
    bodyHash: placeholder("bodyHash"),
    answer: placeholder("answer"),
    createdAt: placeholder("createdAt"),
  }),
);

/** Makes room under a key where what is remembered is so old. */
export const forgetIdempotencyKey = (db: Db, fingerprint: string, before: Date): Write =>
  db
    .delete(idempotencyKeys)
    .where(and(eq(idempotencyKeys.fingerprint, fingerprint), lt(idempotencyKeys.createdAt, before)));

/** The last fingerprint of a stretch of so many behind one; undefined when there is none behind it. */
export async function endOfStretch(db: Db, behind: string, length: number): Promise<string | undefined> {
  const rows = await db
    .select({ fingerprint: idempotencyKeys.fingerprint })
    .from(idempotencyKeys)
    .where(gt(idempotencyKeys.fingerprint, behind))
    .orderBy(asc(idempotencyKeys.fingerprint))
    .limit(length);
  return rows.at(-1)?.fingerprint;
}

/** Removes what is so old from a stretch: behind `behind`, up to `end`. */
export const deleteIdempotencyKeys = (
  db: Db,
  { behind, end }: { behind: string; end: string },
  before: Date,
): Write =>
  db
    .delete(idempotencyKeys)
    .where(
      and(
        gt(idempotencyKeys.fingerprint, behind),
        lte(idempotencyKeys.fingerprint, end),
        lt(idempotencyKeys.createdAt, before),
      ),
    );

/** However old it is. */
export async function findIdempotencyKey(db: Db, fingerprint: string): Promise<IdempotencyKey | undefined> {
  return idempotencyKeyQuery(db).get({ fingerprint });
}

const idempotencyKeyQuery = preparedRead((db) =>
  db
    .select()
    .from(idempotencyKeys)
    .where(eq(idempotencyKeys.fingerprint, placeholder("fingerprint")))
    .prepare(),
);

export type EmailWithContent = Email & Pick<Content, "html" | "text">;

/** Without bodies once these were removed, though the body may be there for another email. */
export async function findEmail(db: Db, teamId: string, id: string): Promise<EmailWithContent | undefined> {
  const email = await db
    .select({ ...getTableColumns(emails), html: contents.html, text: contents.text })
    .from(emails)
    .innerJoin(contents, eq(contents.id, emails.contentId))
    .where(and(eq(emails.teamId, teamId), eq(emails.id, id)))
    .get();
  return email?.contentRemovedAt ? { ...email, html: null, text: null } : email;
}

/** When its bodies and files were removed, if they were. */
export async function findContentRemovedAt(db: Db, id: string): Promise<Date | undefined> {
  const row = await db.select({ at: emails.contentRemovedAt }).from(emails).where(eq(emails.id, id)).get();
  return row?.at ?? undefined;
}

export async function hasEmail(db: Db, teamId: string, id: string): Promise<boolean> {
  const row = await db
    .select({ id: emails.id })
    .from(emails)
    .where(and(eq(emails.teamId, teamId), eq(emails.id, id)))
    .get();
  return row !== undefined;
}

/** An email as lists show it, without bodies and what they are filled with. */
export type ListedEmail = Omit<Email, "merge">;

const { merge: _filling, ...listed } = getTableColumns(emails);

/** The columns of a `ListedEmail`. */
export { listed };

export async function findListedEmail(db: Db, teamId: string, id: string): Promise<ListedEmail | undefined> {
  return db
    .select(listed)
    .from(emails)
    .where(and(eq(emails.id, id), eq(emails.teamId, teamId)))
    .get();
}

/** A page of a team's emails, newest first. */
export async function listEmails(db: Db, teamId: string, keyset: Keyset): Promise<ListedEmail[]> {
  const { where, orderBy, limit } = pageOf(emails.id, eq(emails.teamId, teamId), keyset);
  return newestFirst(await db.select(listed).from(emails).where(where).orderBy(orderBy).limit(limit), keyset);
}

/** The subjects of those of the emails that are the team's; of all teams' where none is named. */
export async function listSubjects(
  db: Db,
  teamId: string | undefined,
  ids: string[],
): Promise<Map<string, string>> {
  const ofTeam = teamId === undefined ? sql`` : sql`where e.team_id = ${teamId}`;
  const rows = await db.values<[string, string]>(
    sql`select e.id, e.subject from json_each(${JSON.stringify(ids)}) asked
        cross join emails e on e.id = asked.value ${ofTeam}`,
  );
  return new Map(rows);
}

export async function listAttachments(db: Db, emailId: string): Promise<Attachment[]> {
  return db
    .select()
    .from(attachments)
    .where(eq(attachments.emailId, emailId))
    .orderBy(asc(attachments.position));
}

/** The message of an email that came as one. */
export async function findSource(db: Db, emailId: string): Promise<EmailSource | undefined> {
  return db.select().from(emailSources).where(eq(emailSources.emailId, emailId)).get();
}

export async function listDeliveries(db: Db, teamId: string, emailId: string): Promise<Delivery[]> {
  return db
    .select()
    .from(deliveries)
    .where(and(eq(deliveries.emailId, emailId), eq(deliveries.teamId, teamId)))
    .orderBy(asc(deliveries.id));
}

export const findEmailPlace = (db: Db, teamId: string, numbers: Numbers): Promise<Place> =>
  findPlace(db, emails.id, eq(emails.teamId, teamId), numbers);
