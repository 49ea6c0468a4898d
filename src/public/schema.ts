import { integer, sqliteTable } from "drizzle-orm/sqlite-core";

/** One row that `/readyz` writes, because only a write shows that writes reach the disk. */
export const readiness = sqliteTable("readiness", {
  id: integer("id").primaryKey().notNull(),
  probedAt: integer("probed_at", { mode: "timestamp_ms" }).notNull(),
});
