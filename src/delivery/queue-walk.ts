/** Walking the deliveries that wait, a slice at a time: a queue of a million must not hold up anything else. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { Email } from "../emails/schema.ts";
import { newId } from "../ids.ts";
import { pausedUntil } from "../jobs/pause.ts";
import {
  before,
  firstIdAt,
  fullLane,
  matches,
  type QueueFilter,
  stateAt,
  type WaitingState,
} from "./queue-filter.ts";

const sliceSize = 1_000;

/** A delivery that waits, with what is needed to change it only while it is still as it was seen. */
export interface Waiting {
  id: string;
  /** The full name. */
  lane: string;
  runAt: Date;
  fence: number;
  /** Being attempted at this moment. */
  isBusy: boolean;
  state: WaitingState;
  emailId: string;
  teamId: string;
  recipient: string;
  domainId: string | null;
  broadcastId: string | null;
  tags: Email["tags"];
}

/** How many deliveries match. `busy` are being attempted at this moment; they are in one of the states as well. */
export interface QueueCount extends Record<WaitingState, number> {
  count: number;
  busy: number;
}

export async function countWaiting(db: Db, filter: QueueFilter, now: Date): Promise<QueueCount> {
  const total: QueueCount = { count: 0, queued: 0, deferred: 0, scheduled: 0, held: 0, busy: 0 };
  for await (const slice of slices(db, filter, now, "later")) {
    const rows = await db.values<[WaitingState, number, number]>(
      sql`select ${stateAt(now)} as state, j.node is not null as busy, count(*)
          from ${waiting} where ${slice} and ${matches(filter, now)} group by 1, 2`,
    );
    for (const [state, isBusy, count] of rows) {
      total.count += count;
      total[state] += count;
      if (isBusy) total.busy += count;
    }
  }
  return total;
}

/**
 * Every delivery that matches, slice by slice. Who puts deliveries off walks towards those that are due `sooner`, and
 * who brings them forward towards those that are due `later`, so that what was moved is not met again.
 */
export async function* walkWaiting(
  db: Db,
  filter: QueueFilter,
  now: Date,
  towards: "sooner" | "later",
): AsyncGenerator<Waiting[]> {
  for await (const slice of slices(db, filter, now, towards)) yield listSlice(db, slice, filter, now);
}

/**
 * The deliveries of one lane whose next try has been due since `dueBefore` or longer. Their own time counts and not their
 * jobs', which is set anew whenever a try ends before a host was asked.
 */
export async function* walkOverdue(
  db: Db,
  lane: string,
  dueBefore: Date,
  now: Date,
): AsyncGenerator<Waiting[]> {
  const isOverdue = sql`j.id < ${firstIdAt(dueBefore)} and d.next_attempt_at <= ${dueBefore.getTime()}`;
  for await (const slice of laneSlices(db, fullLane(lane), "later")) {
    yield listSlice(db, sql`${slice} and ${isOverdue}`, {}, now);
  }
}

// A cross join keeps SQLite from starting anywhere but at the slice.
const waiting = sql.raw(
  "jobs j cross join deliveries d on d.id = j.id cross join emails e on e.id = d.email_id",
);

async function listSlice(db: Db, slice: SQL, filter: QueueFilter, now: Date): Promise<Waiting[]> {
  const rows = await db.values<
    [
      string,
      string,
      number,
      number,
      number,
      WaitingState,
      string,
      string,
      string,
      string | null,
      string | null,
      string,
    ]
  >(
    sql`select j.id, j.lane, j.run_at, j.fence, j.node is not null, ${stateAt(now)},
               d.email_id, d.team_id, d.recipient, e.domain_id, e.broadcast_id, e.tags
        from ${waiting} where ${slice} and ${matches(filter, now)}`,
  );
  return rows.map(
    ([id, lane, runAt, fence, isBusy, state, emailId, teamId, recipient, domainId, broadcastId, tags]) => ({
      ...{ id, lane, runAt: new Date(runAt), fence, isBusy: isBusy === 1, state },
      ...{ emailId, teamId, recipient, domainId, broadcastId, tags: JSON.parse(tags) },
    }),
  );
}

/** Conditions on `jobs j` that together cover what was there when the walk began, each in at most `sliceSize` rows. */
async function* slices(
  db: Db,
  filter: QueueFilter,
  now: Date,
  towards: "sooner" | "later",
): AsyncGenerator<SQL> {
  if (filter.deliveryId !== undefined) {
    yield sql`j.id = ${filter.deliveryId}`;
    return;
  }
  const newest = newId(); // what comes later is not chased after
  if (filter.lane === undefined) {
    yield* idSlices(db, filter, now, newest);
    return;
  }
  const lane = fullLane(filter.lane);
  // The index of a lane holds what waits; what is under way is no more than the nodes' permits.
  yield sql`j.lane = ${lane} and j.node > ''`;
  for await (const slice of laneSlices(db, lane, towards)) yield sql`${slice} and j.id < ${newest}`;
}

async function* idSlices(db: Db, filter: QueueFilter, now: Date, newest: string): AsyncGenerator<SQL> {
  const { olderThanMs, newerThanMs } = filter;
  const end = olderThanMs === undefined ? newest : firstIdAt(before(now, olderThanMs));
  let after = newerThanMs === undefined ? "" : firstIdAt(before(now, newerThanMs));
  for (;;) {
    const [last] = await db.values<[string]>(
      sql`select id from jobs where id > ${after} and id < ${end} order by id limit 1 offset ${sliceSize - 1}`,
    );
    if (!last) {
      yield sql`j.id > ${after} and j.id < ${end}`;
      return;
    }
    yield sql`j.id > ${after} and j.id <= ${last[0]}`;
    after = last[0];
    await setImmediate();
  }
}

async function* laneSlices(db: Db, lane: string, towards: "sooner" | "later"): AsyncGenerator<SQL> {
  const [beyond, upTo, order] =
    towards === "later"
      ? [sql.raw(">"), sql.raw("<="), sql.raw("run_at, id")]
      : [sql.raw("<"), sql.raw(">="), sql.raw("run_at desc, id desc")];
  // "~" sorts behind every id.
  let [at, id] = towards === "later" ? [-1, ""] : [pausedUntil.getTime() + 1, "~"];
  const inLane = sql`lane = ${lane} and node is null`;
  for (;;) {
    const [last] = await db.values<[number, string]>(
      sql`select run_at, id from jobs where ${inLane} and (run_at, id) ${beyond} (${at}, ${id})
          order by ${order} limit 1 offset ${sliceSize - 1}`,
    );
    const start = sql`j.lane = ${lane} and j.node is null and (j.run_at, j.id) ${beyond} (${at}, ${id})`;
    if (!last) {
      yield start;
      return;
    }
    yield sql`${start} and (j.run_at, j.id) ${upTo} (${last[0]}, ${last[1]})`;
    [at, id] = last;
    await setImmediate();
  }
}
