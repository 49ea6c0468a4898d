import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

export const suppressionReasons = ["bounce", "complaint", "unsubscribe", "manual"] as const;
export type SuppressionReason = (typeof suppressionReasons)[number];

/** Addresses a team no longer sends to. */
export const suppressions = sqliteTable(
  "suppressions",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** The `recipientKey` of what was given: what every spelling of the mailbox has in common. */
    address: text("address").notNull(),
    reason: text("reason", { enum: suppressionReasons }).notNull(),
    /** The email that caused it. */
    sourceId: text("source_id"),
    /** From then on it is as if it had never been; null: it stays. */
    expiresAt: integer("expires_at", { mode: "timestamp_ms" }),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [
    uniqueIndex("suppressions_team_address").on(t.teamId, t.address),
    index("suppressions_team").on(t.teamId, t.id),
    index("suppressions_team_reason").on(t.teamId, t.reason, t.id),
    index("suppressions_expiry").on(t.expiresAt),
  ],
);
export type Suppression = typeof suppressions.$inferSelect;
