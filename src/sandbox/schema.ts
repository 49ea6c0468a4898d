import { blob, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What the sandbox's own mail server took in place of the internet's. */
export const sandboxMessages = sqliteTable(
  "sandbox_messages",
  {
    id: text("id").primaryKey().notNull(),
    teamId: text("team_id").notNull(),
    emailId: text("email_id").notNull(),
    deliveryId: text("delivery_id").notNull(),
    /** The envelope, as it came over the wire. */
    mailFrom: text("mail_from").notNull(),
    rcptTo: text("rcpt_to").notNull(),
    isEncrypted: integer("is_encrypted", { mode: "boolean" }).notNull(),
    raw: blob("raw", { mode: "buffer" }).notNull(),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("sandbox_messages_team").on(t.teamId, t.id)],
);
export type SandboxMessage = typeof sandboxMessages.$inferSelect;
