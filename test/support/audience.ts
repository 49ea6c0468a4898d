import { sql } from "drizzle-orm";
import type { App } from "../../src/app.ts";
import type { EventType } from "../../src/events/schema.ts";

/** What happened of some kinds, oldest first: the type and what webhooks tell. */
export async function toldOf(
  app: App,
  teamId: string,
  like = "%",
): Promise<[EventType, Record<string, unknown>][]> {
  const rows = await app.db.values<[EventType, string]>(
    sql`select type, data from events where team_id = ${teamId} and type like ${like} order by id`,
  );
  return rows.map(([type, data]) => [type, JSON.parse(data)]);
}
