// inbound/ is the mail that came for a team's domains: as it came, as it reads, who vouches for it, and where it goes.
import { sql } from "drizzle-orm";
import { blob, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Verdicts } from "../mail/authenticate.ts";

/**
 * `unread` from the moment it is ours until a message worker has read it, then an `email`; a `report` is the DSN or the
 * complaint about something we sent, and stands in no list unless asked for.
 */
export const inboundKinds = ["unread", "email", "report"] as const;
export type InboundKind = (typeof inboundKinds)[number];

/**
 * One message one team received, whoever of the team it was for; what came to a return path of ours, and what a route
 * has for one endpoint alone, is a row of its own. Addresses are as shown (`Name <a@b>`).
 */
export const inboundEmails = sqliteTable(
  "inbound_emails",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** Null for mail to this server's own name. */
    domainId: text("domain_id"),
    kind: text("kind", { enum: inboundKinds }).notNull(),
    /** Empty for the null sender. */
    mailFrom: text("mail_from").notNull(),
    /** The envelope's recipients that are this team's. */
    receivedFor: text("received_for", { mode: "json" }).$type<string[]>().notNull(),
    /** The delivery whose return path it came to: proof that we sent what it may report. */
    deliveryId: text("delivery_id"),
    remoteAddress: text("remote_address").notNull(),
    /** What EHLO said. */
    clientName: text("client_name").notNull(),
    /** `TLSv1.3 TLS_AES_128_GCM_SHA256`; null in plaintext. */
    tls: text("tls"),
    /** Of the message with our Return-Path and Received before it; null where `inbound_raws` has it, as it is small. */
    blobHash: text("blob_hash"),
    /** In bytes, of the message as it came. */
    size: integer("size").notNull(),
    messageId: text("message_id"),
    sender: text("sender").notNull(),
    recipients: text("recipients", { mode: "json" }).$type<string[]>().notNull(),
    cc: text("cc", { mode: "json" }).$type<string[]>().notNull(),
    bcc: text("bcc", { mode: "json" }).$type<string[]>().notNull(),
    replyTo: text("reply_to", { mode: "json" }).$type<string[]>().notNull(),
    subject: text("subject").notNull(),
    /** What SPF, DKIM, DMARC and ARC said; null while unread, and where it could not be read. */
    verdicts: text("verdicts", { mode: "json" }).$type<Verdicts>(),
    /** Why it could not be read by the book, in one sentence. */
    problem: text("problem"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    index("inbound_emails_team").on(t.teamId, t.kind, t.id),
    index("inbound_emails_created").on(t.createdAt),
    index("inbound_emails_blob").on(t.blobHash).where(sql`${t.blobHash} is not null`),
  ],
);
export type InboundEmail = typeof inboundEmails.$inferSelect;

/**
 * The bytes of small messages, with our Return-Path and Received before them. They share the fsync of the rows they come
 * with; a file of its own would cost each message several.
 */
export const inboundRaws = sqliteTable("inbound_raws", {
  inboundId: text("inbound_id").primaryKey().notNull(),
  bytes: blob("bytes", { mode: "buffer" }).notNull(),
});
export type InboundRaw = typeof inboundRaws.$inferSelect;

/** What a message says, apart from its row so that lists never carry it. */
export const inboundBodies = sqliteTable("inbound_bodies", {
  inboundId: text("inbound_id").primaryKey().notNull(),
  /** Names in lower case; values of a repeated field stand on lines of their own. */
  headers: text("headers", { mode: "json" }).$type<Record<string, string>>().notNull(),
  html: text("html"),
  text: text("text"),
  /** Authentication-Results and Received-SPF as we found them, folded, each line with its CRLF. */
  results: text("results").notNull(),
});
export type InboundBody = typeof inboundBodies.$inferSelect;

export const inboundAttachments = sqliteTable(
  "inbound_attachments",
  {
    id: text("id").primaryKey().notNull(),
    inboundId: text("inbound_id").notNull(),
    position: integer("position").notNull(),
    filename: text("filename"),
    contentType: text("content_type").notNull(),
    contentDisposition: text("content_disposition", { enum: ["inline", "attachment"] }).notNull(),
    contentId: text("content_id"),
    /** In bytes. */
    size: integer("size").notNull(),
    blobHash: text("blob_hash").notNull(),
  },
  (t) => [
    index("inbound_attachments_inbound").on(t.inboundId, t.position),
    index("inbound_attachments_blob").on(t.blobHash),
  ],
);
export type InboundAttachment = typeof inboundAttachments.$inferSelect;

export const routeMatches = ["address", "pattern", "plus", "catch_all"] as const;
export type RouteMatch = (typeof routeMatches)[number];

export const routeActions = ["store", "webhook", "reject", "drop"] as const;
export type RouteAction = (typeof routeActions)[number];

/** What becomes of mail for some addresses of a domain; the first that matches decides, `store` where none does. */
export const inboundRoutes = sqliteTable(
  "inbound_routes",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    domainId: text("domain_id").notNull(),
    /** Smallest first. */
    position: integer("position").notNull(),
    match: text("match", { enum: routeMatches }).notNull(),
    /**
     * What it matches with: the whole address, a pattern of the local part with `*` and `?`, the local part before the
     * plus; empty for a catch-all.
     */
    value: text("value").notNull(),
    action: text("action", { enum: routeActions }).notNull(),
    /** The one endpoint that hears of it (`webhook`). */
    webhookId: text("webhook_id"),
    /** What a refused sender is told (`reject`). */
    reply: text("reply"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    index("inbound_routes_domain").on(t.domainId, t.position, t.id),
    index("inbound_routes_team").on(t.teamId),
  ],
);
export type InboundRoute = typeof inboundRoutes.$inferSelect;

/** Blobs that had lost a name at some time; what nothing names any more is removed once it has been here for a while. */
export const unnamedBlobs = sqliteTable(
  "unnamed_blobs",
  {
    hash: text("hash").primaryKey().notNull(),
    since: integer("since", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("unnamed_blobs_since").on(t.since)],
);
