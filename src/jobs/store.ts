import { eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import type { Row, SqlValue } from "../db/transport.ts";
import { preparedWrite, rawWrite, type Write } from "../db/write.ts";
import { jobs, type Lane, lanes } from "./schema.ts";

export interface NewJob extends Record<string, unknown> {
  id: string;
  kind: string;
  lane: string;
  payload: unknown;
  runAt: Date;
  createdAt: Date;
}

const jobValues = {
  id: sql.placeholder("id"),
  kind: sql.placeholder("kind"),
  lane: sql.placeholder("lane"),
  payload: sql.placeholder("payload"),
  runAt: sql.placeholder("runAt"),
  attempts: 0,
  fence: 0,
  createdAt: sql.placeholder("createdAt"),
};

export const insertJob = preparedWrite<NewJob>((db) => db.insert(jobs).values(jobValues));

/** The same for thousands of one kind, in one statement. */
export const insertJobs = (
  kind: string,
  createdAt: Date,
  jobs: { id: string; lane: string; payload: unknown; runAt: Date }[],
): Write =>
  rawWrite(
    `insert into jobs (id, kind, lane, payload, run_at, attempts, fence, created_at)
     select value ->> 0, ?2, value ->> 1, value -> 2, value ->> 3, 0, 0, ?3 from json_each(?1)`,
    [
      JSON.stringify(jobs.map(({ id, lane, payload, runAt }) => [id, lane, payload, runAt.getTime()])),
      kind,
      createdAt.getTime(),
    ],
  );

/** Leaves a job alone that is there already, whatever it waits for. */
export const insertJobOnce = preparedWrite<NewJob>((db) =>
  db.insert(jobs).values(jobValues).onConflictDoNothing(),
);

/** A lane is named `kind/what it waits for`, or after its kind alone. */
export const kindOf = (lane: string): string => lane.split("/", 1)[0]!;

/** For lanes that are due: none is to come before those that have waited for their turn. */
export const notBefore = (at: Date, now: Date): Date => new Date(Math.max(at.getTime(), now.getTime()));

/** Makes a lane due at `at` unless it is due earlier already; a blocked lane stays blocked. */
export const touchLane = (lane: string, at: Date): Write =>
  rawWrite(
    `insert into lanes (lane, kind, next_at) values (?, ?, ?)
     on conflict (lane) do update set next_at = max(excluded.next_at, coalesce(blocked_until, 0))
     where next_at is null or excluded.next_at < next_at`,
    [lane, kindOf(lane), at.getTime()],
  );

/** The same for many lanes of one kind. */
export const touchLanes = (kind: string, dueByLane: ReadonlyMap<string, Date>): Write =>
  rawWrite(
    `insert into lanes (lane, kind, next_at) select value ->> 0, ?2, value ->> 1 from json_each(?1) where true
     on conflict (lane) do update set next_at = max(excluded.next_at, coalesce(blocked_until, 0))
     where next_at is null or excluded.next_at < next_at`,
    [JSON.stringify(Array.from(dueByLane, ([lane, at]) => [lane, at.getTime()])), kind],
  );

/**
 * Keeps a lane from being claimed until `until`, and never for less than it was blocked already; `by` is the limiter, in
 * words an operator reads.
 */
export const blockLane = (lane: string, until: Date, by: string): Write =>
  rawWrite(
    `insert into lanes (lane, kind, blocked_until, blocked_by) values (?1, ?2, ?3, ?4)
     on conflict (lane) do update set
       next_at = max(next_at, ?3, coalesce(blocked_until, 0)),
       blocked_by = iif(coalesce(blocked_until, 0) < ?3, ?4, blocked_by),
       blocked_until = max(coalesce(blocked_until, 0), ?3)`, // next_at: max() keeps null, for a lane where nothing waits
    [lane, kindOf(lane), until.getTime(), by],
  );

export interface Block {
  lane: string;
  until: Date;
  by: string;
}

/** `blockLane` for many lanes that are there already, in one statement: thousands may come due in one moment. */
export const blockLanes = (blocks: Block[]): Write =>
  rawWrite(
    `update lanes set
       next_at = max(next_at, block.until, coalesce(blocked_until, 0)),
       blocked_by = iif(coalesce(blocked_until, 0) < block.until, block.limiter, blocked_by),
       blocked_until = max(coalesce(blocked_until, 0), block.until)
     from (select value ->> 0 as lane, value ->> 1 as until, value ->> 2 as limiter from json_each(?)) as block
     where lanes.lane = block.lane`,
    [JSON.stringify(blocks.map(({ lane, until, by }) => [lane, until.getTime(), by]))],
  );

/** Lifts whatever block a lane has; to be followed by `settleLane`. */
export const unblockLane = (lane: string): Write =>
  rawWrite("update lanes set blocked_until = null, blocked_by = null where lane = ?", [lane]);

/** A hold on a job: ends only while node and fence are still the row's. */
export interface Lease {
  id: string;
  kind: string;
  lane: string;
  /** As stored: reading it may fail, and then only this job does. */
  payload: string;
  attempt: number;
  fence: number;
  createdAt: Date;
}

/**
 * Takes up to `limit` due jobs of a lane, unless the lane or its kind has been stopped meanwhile, by another process
 * too; returns rows for `toLease`.
 */
export const claimJobs = (node: string, lane: string, now: Date, until: Date, limit: number): Write =>
  rawWrite(
    `update jobs set node = ?1, lease_until = ?2, fence = fence + 1, attempts = attempts + 1
     where id in (
       select id from jobs where lane = ?3 and node is null and run_at <= ?4
       and not exists (select 1 from pauses where kind = ?5)
       and not exists (select 1 from lanes where lane = ?3 and blocked_until > ?4)
       order by run_at limit ?6)
     returning id, kind, lane, payload, attempts, fence, created_at`,
    [node, until.getTime(), lane, now.getTime(), kindOf(lane), limit],
  );

export function toLease(row: Row): Lease {
  const [id, kind, lane, payload, attempt, fence, createdAt] = row as [
    string,
    string,
    string,
    string,
    number,
    number,
    number,
  ];
  return { id, kind, lane, payload, attempt, fence, createdAt: new Date(createdAt) };
}

/**
 * Writes down when a lane is due next, from the jobs that wait in it; follows whatever took jobs out of it. Not before
 * `now`: a lane that has been served goes behind those that wait.
 */
export const settleLane = (lane: string, now: Date): Write =>
  rawWrite(
    `update lanes set next_at = (
       select max(run_at, coalesce(lanes.blocked_until, 0), ?2) from jobs
       where lane = ?1 and node is null order by run_at limit 1
     ) where lane = ?1`, // the first row of the index: counting or min() would walk a lane of a million
    [lane, now.getTime()],
  );

/** Removes a job whose work has ended, if this hold is still its newest. */
export const removeHeld = (node: string, lease: Lease): Write =>
  rawWrite("delete from jobs where id = ? and fence = ? and node = ?", [lease.id, lease.fence, node]);

/** Puts a job back into `lane` until `at`, if this hold is still its newest. */
export const returnHeld = (node: string, lease: Lease, at: Date, why: string, lane: string): Write => ({
  ...rawWrite(
    `update jobs set node = null, lease_until = null, run_at = ?, last_error = ?, lane = ?
     where id = ? and fence = ? and node = ?`,
    [at.getTime(), why.slice(0, 1000), lane, lease.id, lease.fence, node],
  ),
  dueAt: at,
});

/** Moves due jobs that nobody holds, the longest waiting first, into another lane; to be followed by touching that one. */
export const moveWaiting = (from: string, to: string, now: Date, limit: number): Write =>
  rawWrite(
    `update jobs set lane = ?2 where id in (
       select id from jobs where lane = ?1 and node is null and run_at <= ?3 order by run_at limit ?4)`,
    [from, to, now.getTime(), limit],
  );

/** Puts held jobs back as they were before they were claimed: their attempt was not made. */
export const releaseHeld = (node: string, ids: string[], now: Date): Write[] => [
  rawWrite(
    `update jobs set node = null, lease_until = null, attempts = attempts - 1, run_at = ?
     where node = ? and id in (select value from json_each(?))`,
    [now.getTime(), node, JSON.stringify(ids)],
  ),
  rawWrite(
    `update lanes set next_at = max(?1, coalesce(blocked_until, 0)) where lane in (
       select lane from jobs where id in (select value from json_each(?2)))`,
    [now.getTime(), JSON.stringify(ids)],
  ),
];

/** Only the holder extends a lease: rows that another node holds by now are neither touched nor among those returned. */
export const extendLeases = (node: string, ids: string[], until: Date): Write =>
  rawWrite(
    "update jobs set lease_until = ? where node = ? and id in (select value from json_each(?)) returning id",
    [until.getTime(), node, JSON.stringify(ids)],
  );

const backToReady = (where: string, now: Date, params: SqlValue[]): Write[] => [
  rawWrite(
    `update lanes set next_at = max(?1, coalesce(blocked_until, 0))
     where lane in (select lane from jobs where node is not null and ${where})
     and (next_at is null or next_at > ?1)`,
    [now.getTime(), ...params],
  ),
  rawWrite(
    `update jobs set node = null, lease_until = null, run_at = min(run_at, ?1) where node is not null and ${where}`,
    [now.getTime(), ...params],
  ),
];

/** Frees every lease whose holder let it end. The job goes back to ready, never away. */
export const freeEndedLeases = (now: Date): Write[] => backToReady("lease_until < ?1", now, []);

/** Frees what this node held in an earlier life. */
export const freeLeasesOf = (node: string, now: Date): Write[] => backToReady("node = ?2", now, [node]);

/** Removes a job that nobody holds; the condition of whatever cancels the work it stands for. */
export const removeWaitingJob = (id: string): Write =>
  rawWrite("delete from jobs where id = ? and node is null", [id]);

const laneQuery = preparedRead((db) =>
  db
    .select()
    .from(lanes)
    .where(eq(lanes.lane, sql.placeholder("lane")))
    .prepare(),
);

export async function findLane(db: Db, lane: string): Promise<Lane | undefined> {
  return laneQuery(db).get({ lane });
}
