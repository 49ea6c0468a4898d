import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Who did what in the admin. */
export const audit = sqliteTable(
  "audit",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    userId: text("user_id").notNull(),
    /** The person's address then: the log outlives them. */
    email: text("email").notNull(),
    /** What they did, as a sentence without its subject: `Created the API key “Production”`. */
    act: text("act").notNull(),
    /** The id of what it was done to; empty where there is none. */
    subject: text("subject").notNull(),
    /** The network address they did it from. */
    address: text("address").notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("audit_team").on(t.teamId, t.id)],
);
export type AuditEntry = typeof audit.$inferSelect;
