import { sql } from "drizzle-orm";
import { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Merge } from "../mail/merge.ts";

export const lastEvents = [
  "queued",
  "scheduled",
  "sent",
  "delivered",
  "delivery_delayed",
  "bounced",
  "complained",
  "opened",
  "clicked",
  "failed",
  "canceled",
  "suppressed",
] as const;
export type LastEvent = (typeof lastEvents)[number];

export interface Tag {
  name: string;
  value: string;
}

/** Bodies, shared by the emails that have the same (D8). */
export const contents = sqliteTable("contents", {
  id: text("id").primaryKey().notNull(),
  html: text("html"),
  text: text("text"),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
});
export type Content = typeof contents.$inferSelect;

/** Where the tracked links of a body lead; `mail/html-links.ts` makes their ids. */
export const links = sqliteTable(
  "links",
  {
    contentId: text("content_id").notNull(),
    id: text("id").notNull(),
    url: text("url").notNull(),
  },
  (t) => [primaryKey({ columns: [t.contentId, t.id] })],
);
export type Link = typeof links.$inferSelect;

/** What the messages of an email carry to tell of opens and clicks. */
export interface EmailTracking {
  opens: boolean;
  clicks: boolean;
  /** The host of their addresses; null: this server's own. */
  host: string | null;
}

/** What a client asked us to send. Addresses are as given (`Name <a@b>`), checked. */
export const emails = sqliteTable(
  "emails",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    domainId: text("domain_id"),
    apiKeyId: text("api_key_id"),
    messageId: text("message_id").notNull(),
    sender: text("sender").notNull(),
    recipients: text("recipients", { mode: "json" }).$type<string[]>().notNull(),
    cc: text("cc", { mode: "json" }).$type<string[]>().notNull(),
    bcc: text("bcc", { mode: "json" }).$type<string[]>().notNull(),
    replyTo: text("reply_to", { mode: "json" }).$type<string[]>().notNull(),
    subject: text("subject").notNull(),
    contentId: text("content_id").notNull(),
    headers: text("headers", { mode: "json" }).$type<Record<string, string>>().notNull(),
    tags: text("tags", { mode: "json" }).$type<Tag[]>().notNull(),
    topicId: text("topic_id"),
    tracking: text("tracking", { mode: "json" }).$type<EmailTracking>(),
    /** The broadcast it is: then its deliveries name contacts, and its own lists of recipients are empty. */
    broadcastId: text("broadcast_id"),
    /** What the fields of its content are filled with; null: its braces are no fields. */
    merge: text("merge", { mode: "json" }).$type<Merge>(),
    lastEvent: text("last_event", { enum: lastEvents }).notNull(),
    scheduledAt: integer("scheduled_at", { mode: "timestamp_ms" }),
    /** When its bodies and files were removed, as `retention.content` says; its body may be another email's still. */
    contentRemovedAt: integer("content_removed_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    index("emails_team").on(t.teamId, t.id),
    index("emails_broadcast").on(t.teamId, t.id).where(sql`${t.broadcastId} is not null`),
    index("emails_content").on(t.contentId).where(sql`${t.contentRemovedAt} is null`),
    index("emails_scheduled").on(t.domainId).where(sql`${t.lastEvent} = 'scheduled'`),
    index("emails_outcome")
      .on(t.teamId, t.lastEvent, t.id)
      .where(
        sql`${t.lastEvent} in ('bounced', 'complained', 'failed', 'suppressed', 'canceled', 'delivery_delayed', 'opened', 'clicked')`,
      ),
  ],
);
export type Email = typeof emails.$inferSelect;

/** Emails that keep what they say for longer than others of their age: they were still waited for, or ended later. */
export const keptContents = sqliteTable("kept_contents", {
  emailId: text("email_id").primaryKey().notNull(),
});

export const attachments = sqliteTable(
  "attachments",
  {
    id: text("id").primaryKey().notNull(),
    emailId: text("email_id").notNull(),
    position: integer("position").notNull(),
    filename: text("filename"),
    contentType: text("content_type"),
    contentId: text("content_id"),
    /** In bytes. */
    size: integer("size").notNull(),
    blobHash: text("blob_hash").notNull(),
  },
  (t) => [index("attachments_email").on(t.emailId, t.position), index("attachments_blob").on(t.blobHash)],
);
export type Attachment = typeof attachments.$inferSelect;

/** The message of an email that came as one, by SMTP: as it came, in the row while it is small, else in the blob store. */
export const emailSources = sqliteTable(
  "email_sources",
  {
    emailId: text("email_id").primaryKey().notNull(),
    /** In bytes. */
    size: integer("size").notNull(),
    raw: blob("raw", { mode: "buffer" }).$type<Uint8Array>(),
    blobHash: text("blob_hash"),
  },
  (t) => [index("email_sources_blob").on(t.blobHash).where(sql`${t.blobHash} is not null`)],
);
export type EmailSource = typeof emailSources.$inferSelect;

export const deliveryStates = [
  "queued",
  "deferred",
  "delivered",
  "bounced",
  "failed",
  "suppressed",
  "canceled",
] as const;
export type DeliveryState = (typeof deliveryStates)[number];

/** One email to one envelope recipient (D6); its job has the same id. */
export const deliveries = sqliteTable(
  "deliveries",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    emailId: text("email_id").notNull(),
    recipient: text("recipient").notNull(),
    /** The recipient's domain, ASCII: the lane it waits in. */
    domain: text("domain").notNull(),
    state: text("state", { enum: deliveryStates }).notNull(),
    attempts: integer("attempts").notNull(),
    /** `550 5.1.1 No such user`, or in our own words why no reply came. */
    lastReply: text("last_reply"),
    mxHost: text("mx_host"),
    firstAttemptAt: integer("first_attempt_at", { mode: "timestamp_ms" }),
    nextAttemptAt: integer("next_attempt_at", { mode: "timestamp_ms" }),
    settledAt: integer("settled_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    /** Of a broadcast's deliveries alone. */
    contactId: text("contact_id"),
    /** What is filled in for this recipient (D8). */
    mergeValues: text("merge_values", { mode: "json" }).$type<Record<string, string | number | boolean>>(),
  },
  (t) => [
    index("deliveries_email").on(t.emailId),
    uniqueIndex("deliveries_broadcast").on(t.emailId, t.recipient).where(sql`${t.contactId} is not null`),
  ],
);
export type Delivery = typeof deliveries.$inferSelect;

/** Answers given to requests with an Idempotency-Key, for 24 hours. */
export const idempotencyKeys = sqliteTable("idempotency_keys", {
  /** Of team, endpoint and key. */
  fingerprint: text("fingerprint").primaryKey().notNull(),
  bodyHash: text("body_hash").notNull(),
  answer: text("answer", { mode: "json" }).$type<unknown>().notNull(),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
});
export type IdempotencyKey = typeof idempotencyKeys.$inferSelect;

/** Up to which email the words of `email_search` are written; one row. */
export const emailSearchProgress = sqliteTable("email_search_progress", {
  id: integer("id").primaryKey().notNull(),
  emailId: text("email_id").notNull(),
});
