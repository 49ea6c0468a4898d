import { integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

/** Addresses a team no longer sends to. */
export const suppressions = sqliteTable(
  "suppressions",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    /** Lower-case. */
    address: text("address").notNull(),
    reason: text("reason", { enum: ["bounce", "complaint", "unsubscribe", "manual"] }).notNull(),
    /** The email that caused it. */
    sourceId: text("source_id"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [uniqueIndex("suppressions_team_address").on(t.teamId, t.address)],
);
export type Suppression = typeof suppressions.$inferSelect;
