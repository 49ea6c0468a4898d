import { and, eq } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { type Event, events } from "./schema.ts";

/** What happened to an email, sent or received, the newest first. */
export async function listEventsOf(
  db: Db,
  teamId: string,
  emailId: string,
  keyset: Keyset,
): Promise<Event[]> {
  const ofEmail = and(eq(events.emailId, emailId), eq(events.teamId, teamId));
  const { where, orderBy, limit } = pageOf(events.id, ofEmail, keyset);
  return newestFirst(await db.select().from(events).where(where).orderBy(orderBy).limit(limit), keyset);
}
