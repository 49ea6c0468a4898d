import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Work that waits or runs. `node` and `lease_until` are set while a node holds it; `fence` counts its holders. */
export const jobs = sqliteTable(
  "jobs",
  {
    id: text("id").primaryKey().notNull(),
    kind: text("kind").notNull(),
    lane: text("lane").notNull(),
    payload: text("payload", { mode: "json" }).notNull(),
    runAt: integer("run_at", { mode: "timestamp_ms" }).notNull(),
    attempts: integer("attempts").notNull(),
    fence: integer("fence").notNull(),
    node: text("node"),
    leaseUntil: integer("lease_until", { mode: "timestamp_ms" }),
    lastError: text("last_error"),
    createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
  },
  (t) => [index("jobs_ready").on(t.lane, t.runAt), index("jobs_leased").on(t.node, t.leaseUntil)],
);
export type JobRow = typeof jobs.$inferSelect;

/** When each lane has something to do next; `blocked_until` and `blocked_by` say what a throttled lane waits for. */
export const lanes = sqliteTable(
  "lanes",
  {
    lane: text("lane").primaryKey().notNull(),
    nextAt: integer("next_at", { mode: "timestamp_ms" }),
    blockedUntil: integer("blocked_until", { mode: "timestamp_ms" }),
    blockedBy: text("blocked_by"),
    kind: text("kind").notNull().default(""),
  },
  (t) => [index("lanes_next").on(t.kind, t.nextAt)],
);
export type Lane = typeof lanes.$inferSelect;

/** How far work is that walks through a table for ever: the last of it that was looked at. */
export const walks = sqliteTable("walks", {
  name: text("name").primaryKey().notNull(),
  cursor: text("cursor").notNull(),
});

/** Kinds of work that an operator has stopped; one lane is stopped by blocking it. */
export const pauses = sqliteTable("pauses", {
  kind: text("kind").primaryKey().notNull(),
  reason: text("reason").notNull(),
  createdAt: integer("created_at", { mode: "timestamp_ms" }).notNull(),
});
export type Pause = typeof pauses.$inferSelect;
