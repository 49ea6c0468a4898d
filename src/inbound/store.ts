import { and, asc, eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import { preparedWrite, rawWrite, type Write } from "../db/write.ts";
import { deliveries } from "../emails/schema.ts";
import type { Verdicts } from "../mail/authenticate.ts";
import {
  type InboundAttachment,
  type InboundBody,
  type InboundEmail,
  type InboundKind,
  type InboundRaw,
  type InboundRoute,
  inboundAttachments,
  inboundBodies,
  inboundEmails,
  inboundRaws,
  inboundRoutes,
} from "./schema.ts";

const { placeholder } = sql;

/** A row as it is when its mail has been taken: nobody has read it yet. */
export type UnreadEmail = Pick<
  InboundEmail,
  | "id"
  | "teamId"
  | "domainId"
  | "mailFrom"
  | "receivedFor"
  | "deliveryId"
  | "remoteAddress"
  | "clientName"
  | "tls"
  | "blobHash"
  | "size"
  | "createdAt"
>;

export const insertUnread = preparedWrite<UnreadEmail>((db) =>
  db.insert(inboundEmails).values({
    id: placeholder("id"),
    teamId: placeholder("teamId"),
    domainId: placeholder("domainId"),
    kind: "unread",
    mailFrom: placeholder("mailFrom"),
    receivedFor: placeholder("receivedFor"),
    deliveryId: placeholder("deliveryId"),
    remoteAddress: placeholder("remoteAddress"),
    clientName: placeholder("clientName"),
    tls: placeholder("tls"),
    blobHash: placeholder("blobHash"),
    size: placeholder("size"),
    sender: "",
    recipients: [],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: "",
    createdAt: placeholder("createdAt"),
  }),
);

export const insertRaw = preparedWrite<InboundRaw>((db) =>
  db.insert(inboundRaws).values({ inboundId: placeholder("inboundId"), bytes: placeholder("bytes") }),
);

/** Mail that nobody has read yet, with its bytes where they are in the database. */
export async function findUnread(
  db: Db,
  id: string,
): Promise<(InboundEmail & { bytes: Buffer | null }) | undefined> {
  return unreadQuery(db).get({ id });
}

const unreadQuery = preparedRead((db) =>
  db
    .select({ ...getTableColumns(inboundEmails), bytes: inboundRaws.bytes })
    .from(inboundEmails)
    .leftJoin(inboundRaws, eq(inboundRaws.inboundId, inboundEmails.id))
    .where(and(eq(inboundEmails.id, placeholder("id")), eq(inboundEmails.kind, "unread")))
    .prepare(),
);

/** Whether any mail's bytes are in this blob. */
export async function isRawNamed(db: Db, hash: string): Promise<boolean> {
  const row = await db
    .select({ id: inboundEmails.id })
    .from(inboundEmails)
    .where(eq(inboundEmails.blobHash, hash))
    .limit(1)
    .get();
  return row !== undefined;
}

/** What reading adds to a row. */
export interface ReadEmail
  extends Pick<
    InboundEmail,
    "id" | "messageId" | "sender" | "recipients" | "cc" | "bcc" | "replyTo" | "subject" | "problem"
  > {
  kind: Exclude<InboundKind, "unread">;
  verdicts: Verdicts | null;
}

export const markRead = (read: ReadEmail): Write =>
  rawWrite(
    `update inbound_emails set kind = ?2, message_id = ?3, sender = ?4, recipients = ?5, cc = ?6, bcc = ?7,
       reply_to = ?8, subject = ?9, problem = ?10, verdicts = ?11
     where id = ?1 and kind = 'unread'`,
    [
      read.id,
      read.kind,
      read.messageId,
      read.sender,
      ...[read.recipients, read.cc, read.bcc, read.replyTo].map((list) => JSON.stringify(list)),
      read.subject,
      read.problem,
      read.verdicts && JSON.stringify(read.verdicts),
    ],
  );

export const insertBody = preparedWrite<InboundBody>((db) =>
  db.insert(inboundBodies).values({
    inboundId: placeholder("inboundId"),
    headers: placeholder("headers"),
    html: placeholder("html"),
    text: placeholder("text"),
    results: placeholder("results"),
  }),
);

export const insertInboundAttachment = preparedWrite<InboundAttachment>((db) =>
  db.insert(inboundAttachments).values({
    id: placeholder("id"),
    inboundId: placeholder("inboundId"),
    position: placeholder("position"),
    filename: placeholder("filename"),
    contentType: placeholder("contentType"),
    contentDisposition: placeholder("contentDisposition"),
    contentId: placeholder("contentId"),
    size: placeholder("size"),
    blobHash: placeholder("blobHash"),
  }),
);

/** Whose delivery it is; undefined when there is none, or none any more. */
export async function findDeliveryTeam(db: Db, id: string): Promise<string | undefined> {
  const row = await db
    .select({ teamId: deliveries.teamId })
    .from(deliveries)
    .where(eq(deliveries.id, id))
    .get();
  return row?.teamId;
}

/** A domain's routes in the order they are asked. */
export async function listRoutes(db: Db, domainId: string): Promise<InboundRoute[]> {
  return db
    .select()
    .from(inboundRoutes)
    .where(eq(inboundRoutes.domainId, domainId))
    .orderBy(asc(inboundRoutes.position), asc(inboundRoutes.id));
}

export async function findRouteRow(db: Db, teamId: string, id: string): Promise<InboundRoute | undefined> {
  return db.select().from(inboundRoutes).where(ofTeam(teamId, id)).get();
}

/** Stores a route behind those its domain has, while they are fewer than `most`. */
export const insertRoute = (row: Omit<InboundRoute, "position">, most: number): Write =>
  rawWrite(
    `insert into inbound_routes (id, team_id, domain_id, position, match, value, action, webhook_id, reply, created_at)
     select ?1, ?2, ?3, coalesce(max(position) + 1, 0), ?4, ?5, ?6, ?7, ?8, ?9
     from inbound_routes where domain_id = ?3 having count(*) < ?10`,
    [
      ...[row.id, row.teamId, row.domainId, row.match, row.value, row.action, row.webhookId, row.reply],
      row.createdAt.getTime(),
      most,
    ],
  );

export const updateRoute = (db: Db, { teamId, id, ...row }: InboundRoute) =>
  db
    .update(inboundRoutes)
    .set({
      match: row.match,
      value: row.value,
      action: row.action,
      webhookId: row.webhookId,
      reply: row.reply,
    })
    .where(ofTeam(teamId, id));

export const deleteRoute = (db: Db, teamId: string, id: string) =>
  db.delete(inboundRoutes).where(ofTeam(teamId, id));

export const moveRoute = (db: Db, teamId: string, id: string, position: number) =>
  db.update(inboundRoutes).set({ position }).where(ofTeam(teamId, id));

const ofTeam = (teamId: string, id: string) =>
  and(eq(inboundRoutes.teamId, teamId), eq(inboundRoutes.id, id));

/** Removes the oldest mail from before a time, `most` rows of it, and writes down the blobs that lose a name. */
export const forgetInbound = (before: Date, most: number, now: Date): Write[] => [
  rawWrite(
    `insert or ignore into unnamed_blobs (hash, since)
     select blob_hash, ?3 from inbound_emails where blob_hash is not null and id in (${oldest})`,
    [before.getTime(), most, now.getTime()],
  ),
  rawWrite(
    `insert or ignore into unnamed_blobs (hash, since)
     select blob_hash, ?3 from inbound_attachments where inbound_id in (${oldest})`,
    [before.getTime(), most, now.getTime()],
  ),
  rawWrite(`delete from inbound_emails where id in (${oldest})`, [before.getTime(), most]),
];

const oldest = "select id from inbound_emails where created_at < ?1 order by created_at limit ?2";

/** Blobs that lost a name before a time, the longest gone first, and whether something names them still. */
export async function listUnnamedBlobs(
  db: Db,
  before: Date,
  most: number,
): Promise<{ hash: string; isNamed: boolean }[]> {
  const rows = await db.values<[string, number]>(sql`
    select hash,
      exists (select 1 from attachments where blob_hash = hash)
      or exists (select 1 from email_sources where blob_hash = hash)
      or exists (select 1 from inbound_emails where blob_hash = hash)
      or exists (select 1 from inbound_attachments where blob_hash = hash)
      or exists (select 1 from contact_imports where blob_hash = hash)
    from unnamed_blobs where since < ${before.getTime()} order by since limit ${most}`);
  return rows.map(([hash, isNamed]) => ({ hash, isNamed: isNamed === 1 }));
}

export const deleteUnnamedBlobs = (hashes: string[]): Write =>
  rawWrite("delete from unnamed_blobs where hash in (select value from json_each(?))", [
    JSON.stringify(hashes),
  ]);

/** Not to be asked about again before long. */
export const postponeUnnamedBlobs = (hashes: string[], now: Date): Write =>
  rawWrite("update unnamed_blobs set since = ? where hash in (select value from json_each(?))", [
    now.getTime(),
    JSON.stringify(hashes),
  ]);
