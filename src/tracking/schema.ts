// tracking/ is what recipients do with a message: opens and clicks, told apart by whether a person or a machine did them.
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** What was told of a delivery's opens and clicks. */
export const engagements = sqliteTable("engagements", {
  deliveryId: text("delivery_id").primaryKey().notNull(),
  /** When a person first opened it, and first followed one of its links. */
  openedAt: integer("opened_at", { mode: "timestamp_ms" }),
  clickedAt: integer("clicked_at", { mode: "timestamp_ms" }),
  /** How many events there are of people, and of machines. They only grow, so they also tell whether a row was changed. */
  byPeople: integer("by_people").notNull(),
  byMachines: integer("by_machines").notNull(),
});
export type Engagement = typeof engagements.$inferSelect;
