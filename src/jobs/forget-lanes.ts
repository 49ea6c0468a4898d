import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { recurring } from "./recurring.ts";

/** Lanes looked at in one batch, so that no other write waits long behind it. */
const lanesPerSlice = 2_000;

/** Removes lanes that are over: one is left behind by every domain that mail ever went to. */
export const forgettingLanes = recurring("forget_lanes", 3_600_000, (app) => forgetLanes(app));

export async function forgetLanes(app: App, slice = lanesPerSlice): Promise<void> {
  for (let after = ""; ; ) {
    const last = await endOfSlice(app.db, after, slice);
    await atomically(app, [deleteLanesOver(after, last, app.now())]);
    if (last === undefined) return;
    after = last;
  }
}

/** The lane that ends a slice; undefined when fewer are left. */
async function endOfSlice(db: Db, after: string, slice: number): Promise<string | undefined> {
  const [row] = await db.values<[string]>(
    sql`select lane from lanes where lane > ${after} order by lane limit 1 offset ${slice - 1}`,
  );
  return row?.[0];
}

/** A lane with a job that somebody holds stays: it is where the job goes back to when its lease ends. */
const deleteLanesOver = (after: string, last: string | undefined, now: Date): Write =>
  rawWrite(
    `delete from lanes where lane > ?1 ${last === undefined ? "" : "and lane <= ?3"}
     and next_at is null and coalesce(blocked_until, 0) <= ?2
     and not exists (select 1 from jobs where jobs.lane = lanes.lane and node is null)
     and lane not in (select lane from jobs where node is not null)`,
    last === undefined ? [after, now.getTime()] : [after, now.getTime(), last],
  );
