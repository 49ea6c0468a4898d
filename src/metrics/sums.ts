/** What counters come to in hours and days: a month of them is read in no time then. */
import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { once } from "../jobs/once.ts";
import { recurring } from "../jobs/recurring.ts";
import { findWalk, moveWalk } from "../jobs/walks.ts";
import { dayMs, floorTo, hourMs } from "./periods.ts";

/** By then an hour is over for nodes with other clocks, too. What is counted in it later costs a trigger more. */
const lagMs = 600_000;
/** So many counters take some milliseconds, for which everything else that is written waits; an hour is never taken apart. */
const countersAtOnce = 1_000;
/** A year after an upgrade takes some runs. */
const stepsPerRun = 300;

/** Also named by the triggers of the migration. */
const walk = "counter_sums";

export const summingCounters = recurring("sum_counters", 60_000, sumCounters);

/** Sums up the hours that are over, some at a time. */
export async function sumCounters(app: App): Promise<void> {
  const over = floorTo(app.now().getTime() - lagMs, hourMs);
  for (let n = 0; n < stepsPerRun; n++) {
    const seen = await findWalk(app.db, walk);
    const from = Number(seen);
    if (from >= over) return; // by a clock that was ahead: until then the triggers do all
    const to = Math.min(over, await hourBehind(app.db, from));
    const isMoved = await once(app, [moveWalk(walk, seen, String(to)), expectChange(), ...sumsOf(from, to)]);
    if (!isMoved) return;
    await setImmediate();
  }
}

/** Before which hour all is summed up, by its first millisecond; 0 when nothing is. */
export async function summedUntil(db: Db): Promise<number> {
  return Number(await findWalk(db, walk));
}

/** The hour behind about as many counters as are summed up at once. */
async function hourBehind(db: Db, from: number): Promise<number> {
  const [first, last] = [await nthHour(db, from, 0), await nthHour(db, from, countersAtOnce)];
  if (first === undefined || last === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(first + hourMs, last);
}

async function nthHour(db: Db, from: number, n: number): Promise<number | undefined> {
  const [row] = await db.values<[number]>(
    sql`select hour from counters where hour >= ${from} order by hour limit 1 offset ${n}`,
  );
  return row?.[0];
}

/** Of the hours from one to another, which nobody has summed up yet. */
function sumsOf(from: number, to: number): Write[] {
  const day = `hour - hour % ${dayMs}`;
  return [
    rawWrite(
      `insert into counter_hours (team_id, hour, event, total)
       select team_id, hour, event, sum(total) from counters where hour >= ? and hour < ? group by team_id, hour, event
       on conflict (team_id, hour, event) do update set total = total + excluded.total`,
      [from, to],
    ),
    rawWrite(
      `insert into counter_days (team_id, day, domain_id, broadcast_id, event, total)
       select team_id, ${day}, domain_id, broadcast_id, event, sum(total) from counters
       where hour >= ? and hour < ? group by team_id, ${day}, domain_id, broadcast_id, event
       on conflict (team_id, day, domain_id, broadcast_id, event) do update set total = total + excluded.total`,
      [from, to],
    ),
    rawWrite(
      `insert into provider_days (team_id, day, provider, event, total)
       select team_id, ${day}, provider, event, sum(total) from provider_counters
       where hour >= ? and hour < ? group by team_id, ${day}, provider, event
       on conflict (team_id, day, provider, event) do update set total = total + excluded.total`,
      [from, to],
    ),
  ];
}
