/** One email to many contacts: what its author writes, whom it goes to, and how far it is. */
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { MergeValues } from "../mail/merge.ts";

export const broadcastStatuses = [
  "draft",
  "scheduled",
  "queued",
  "sending",
  "paused",
  "sent",
  "canceled",
] as const;
export type BroadcastStatus = (typeof broadcastStatuses)[number];

/** No draft any more, and not at its end. */
export const onItsWay = ["scheduled", "queued", "sending", "paused"] as const satisfies BroadcastStatus[];

/** What the jobs of a broadcast were last moved for: to go out, to be held, or to go away. */
export type Steered = "sending" | "paused" | "canceled";

export const broadcasts = sqliteTable(
  "broadcasts",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    name: text("name").notNull(),
    segmentId: text("segment_id").notNull(),
    topicId: text("topic_id"),
    /** As given (`Name <a@b>`), checked. */
    sender: text("sender").notNull(),
    subject: text("subject").notNull(),
    replyTo: text("reply_to", { mode: "json" }).$type<string[]>().notNull(),
    previewText: text("preview_text"),
    html: text("html"),
    text: text("text"),
    /** Messages a minute at most; null: as fast as the hosts take them. */
    ratePerMinute: integer("rate_per_minute"),
    /** From when that counts; null before it has begun. */
    pacedAt: integer("paced_at", { mode: "timestamp_ms" }),
    /** How many deliveries were given their turns since. */
    paced: integer("paced").notNull(),
    status: text("status", { enum: broadcastStatuses }).notNull(),
    /** Why it was given up. */
    problem: text("problem"),
    /** The key it was sent with; null for a person. */
    apiKeyId: text("api_key_id"),
    /** The email it became, which all its deliveries are of. */
    emailId: text("email_id"),
    /** What fields hold where neither the contact nor the field says anything: those of its template, then of properties. */
    fallbacks: text("fallbacks", { mode: "json" }).$type<MergeValues>(),
    /** The newest job that moves it on; an older one does nothing any more. */
    conductor: text("conductor"),
    /** Of one that was begun before audiences were written down: contacts made later than this id are not in its audience. */
    audienceEnd: text("audience_end"),
    /** The last contact that has a delivery or was skipped; "~" once all have. */
    cursor: text("cursor"),
    steered: text("steered").$type<Steered>(),
    steerCursor: text("steer_cursor"),
    /** No delivery before this one waits for its first attempt. */
    watched: text("watched"),
    /** When that was looked at; null: not since turns were last given. */
    watchedAt: integer("watched_at", { mode: "timestamp_ms" }),
    /** How many deliveries it has, those of suppressed addresses among them. */
    recipients: integer("recipients").notNull(),
    /** Contacts that had unsubscribed or were not in the topic, and so have no delivery. */
    skippedUnsubscribed: integer("skipped_unsubscribed").notNull(),
    /** Deliveries that were not begun because their address is suppressed. */
    skippedSuppressed: integer("skipped_suppressed").notNull(),
    scheduledAt: integer("scheduled_at", { mode: "timestamp_ms" }),
    startedAt: integer("started_at", { mode: "timestamp_ms" }),
    sentAt: integer("sent_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    updatedAt: integer("updated_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("broadcasts_team").on(t.teamId, t.id, t.status, t.name, t.subject)],
);
export type Broadcast = typeof broadcasts.$inferSelect;

/** Whom one goes to, as it was when it began, until they have a delivery or were skipped. */
export const broadcastAudience = sqliteTable(
  "broadcast_audience",
  {
    broadcastId: text("broadcast_id").notNull(),
    contactId: text("contact_id").notNull(),
    /** Not of who had unsubscribed then or was not in the topic: they are counted, and not asked again. */
    isWanted: integer("is_wanted", { mode: "boolean" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.broadcastId, t.contactId] })],
);

/** Why a job is held; jobs that an operator holds are held for another reason, and stay. */
export const heldNote = "its broadcast is paused";

/** Sorts behind every id. */
export const behindAll = "~";

export const isEnded = (cursor: string | null): boolean => cursor === behindAll;
