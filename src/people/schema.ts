// people/ is what is kept of one person in all rooms: given out to whoever asks what is known of them, and erased.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * What is walked through, one after the other. First nothing more goes out, and no file brings the contact back; reports
 * are known by the deliveries they are about, so what was received comes before what was sent. Bodies come last, because
 * they may have to wait.
 */
export const stages = [
  "queued",
  "imports",
  "contact",
  "received",
  "sent",
  "events",
  "sandbox",
  "requests",
  "bodies",
] as const;
export type Stage = (typeof stages)[number];

/** How many of each were erased, or had the person taken out of them. */
export interface ErasureCounts {
  contacts: number;
  /** Emails to them that have not gone out, and will not. */
  canceled: number;
  /** Emails to them alone, which are gone. */
  emails: number;
  /** Emails to others too and broadcasts, in which they are nobody now. */
  shared_emails: number;
  received: number;
  events: number;
  requests: number;
  import_errors: number;
}

/** The erasure of one person, and how far it is. */
export const erasures = sqliteTable(
  "erasures",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** A `recipientKey`; null once the erasure has ended. */
    address: text("address"),
    stage: text("stage", { enum: stages }).notNull(),
    /** The last row of the stage's table that was looked at; empty at its beginning. */
    cursor: text("cursor").notNull(),
    counts: text("counts", { mode: "json" }).$type<ErasureCounts>().notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
    completedAt: integer("completed_at", { mode: "timestamp_ms" }),
  },
  (t) => [index("erasures_team").on(t.teamId, t.id)],
);
export type Erasure = typeof erasures.$inferSelect;

/** Bodies of emails that were erased, until it is known whether other emails have the same. */
export const erasedContents = sqliteTable(
  "erased_contents",
  {
    erasureId: text("erasure_id").notNull(),
    contentId: text("content_id").notNull(),
    /** When the body was stored. */
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.erasureId, t.contentId] })],
);
