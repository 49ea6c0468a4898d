// logs/ is the record of what was asked over the API, written behind the requests.
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** One request, with its bodies cut at a size and their secrets masked. */
export const logs = sqliteTable(
  "logs",
  {
    teamId: text("team_id").notNull(),
    id: text("id").notNull(),
    /** Absent for a person's session. */
    keyId: text("key_id"),
    method: text("method").notNull(),
    path: text("path").notNull(),
    status: integer("status").notNull(),
    durationMs: integer("duration_ms").notNull(),
    userAgent: text("user_agent"),
    /** Where the request came from. */
    address: text("address"),
    /** JSON text. */
    requestBody: text("request_body"),
    responseBody: text("response_body"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.teamId, t.id] }), index("logs_refused").on(t.teamId, t.id)],
);
export type Log = typeof logs.$inferSelect;
