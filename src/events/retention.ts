import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { leastIdAt } from "../ids.ts";
import { recurring } from "../jobs/recurring.ts";

/** Removed in one batch, so that no other write waits long behind it. */
const eventsPerSlice = 1_000;

/** Removes events that are older than `retention.events`. What was counted of them stays, and each email's last state. */
export const forgettingEvents = recurring("forget_events", 3_600_000, (app) => forgetEvents(app));

/** The oldest that are kept; undefined where all are. */
export function eventsKeptSince(app: App): Date | undefined {
  const { events: keptFor } = app.config.retention;
  return keptFor === "forever" ? undefined : new Date(app.now().getTime() - keptFor);
}

export async function forgetEvents(app: App, slice = eventsPerSlice): Promise<void> {
  const since = eventsKeptSince(app);
  if (since === undefined) return;
  const end = leastIdAt(since);
  for (let after = ""; ; ) {
    const to = await endOfSlice(app.db, { after, end, slice });
    if (to === undefined) return;
    await atomically(app, [deleteEvents(after, to)]);
    after = to;
    await setImmediate();
  }
}

async function endOfSlice(
  db: Db,
  { after, end, slice }: { after: string; end: string; slice: number },
): Promise<string | undefined> {
  const [row] = await db.values<[string | null]>(
    sql`select max(id) from (
          select id from events where id > ${after} and id < ${end} order by id limit ${slice})`,
  );
  return row?.[0] ?? undefined;
}

// What an endpoint is still to be told stays until it was: what it is told is made of the event.
const deleteEvents = (after: string, to: string): Write =>
  rawWrite(
    `delete from events where id > ? and id <= ? and not exists (
       select 1 from webhooks w
       join (select '' as suffix union all select '2') names
       join jobs j on j.id = w.id || '/msg_' || replace(events.id, '-', '') || names.suffix
       where w.team_id = events.team_id)`,
    [after, to],
  );
