import { eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
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

/** Leaves a job alone that is there already, whatever it waits for. */
export const insertJobOnce = preparedWrite<NewJob>((db) =>
  db.insert(jobs).values(jobValues).onConflictDoNothing(),
);

/** Makes a lane due at `at` unless it is due earlier already; a blocked lane stays blocked. */
export const touchLane = (lane: string, at: Date): Write =>
  rawWrite(
    `insert into lanes (lane, next_at) values (?, ?)
     on conflict (lane) do update set next_at = max(excluded.next_at, coalesce(blocked_until, 0))
     where next_at is null or excluded.next_at < next_at`,
    [lane, at.getTime()],
  );

/** Keeps a lane from being claimed until `until`; `by` is the limiter, in words an operator reads. */
export const blockLane = (lane: string, until: Date, by: string): Write =>
  rawWrite(
    `insert into lanes (lane, next_at, blocked_until, blocked_by) values (?1, ?2, ?2, ?3)
     on conflict (lane) do update set next_at = max(coalesce(next_at, 0), ?2), blocked_until = ?2, blocked_by = ?3`,
    [lane, until.getTime(), by],
  );

/** Lanes with due work, longest due first, leaving out those that are full on this node. */
export async function dueLanes(db: Db, now: Date, full: string[], limit: number): Promise<string[]> {
  const rows = await db.values<[string]>(
    sql`select lane from lanes where next_at <= ${now.getTime()}
        and lane not in (select value from json_each(${JSON.stringify(full)})) order by next_at limit ${limit}`,
  );
  return rows.map(([lane]) => lane);
}

/** When the next lane falls due, leaving out full ones. */
export async function nextDue(db: Db, full: string[]): Promise<Date | undefined> {
  const [row] = await db.values<[number]>(
    sql`select next_at from lanes where next_at is not null
        and lane not in (select value from json_each(${JSON.stringify(full)})) order by next_at limit 1`,
  );
  return row && new Date(row[0]);
}

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

/** Takes up to `limit` due jobs of a lane; returns rows for `toLease`. */
export const claimJobs = (node: string, lane: string, now: Date, until: Date, limit: number): Write =>
  rawWrite(
    `update jobs set node = ?, lease_until = ?, fence = fence + 1, attempts = attempts + 1
     where id in (select id from jobs where lane = ? and node is null and run_at <= ? order by run_at limit ?)
     returning id, kind, lane, payload, attempts, fence, created_at`,
    [node, until.getTime(), lane, now.getTime(), limit],
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

/** Writes down when a lane is due next, from the jobs that wait in it; follows whatever took jobs out of it. */
export const settleLane = (lane: string): Write =>
  rawWrite(
    `update lanes set next_at = (
       select max(run_at, coalesce(lanes.blocked_until, 0)) from jobs
       where lane = ?1 and node is null order by run_at limit 1
     ) where lane = ?1`, // the first row of the index: counting or min() would walk a lane of a million
    [lane],
  );

/** Removes a job whose work has ended, if this hold is still its newest. */
export const removeHeld = (node: string, lease: Lease): Write =>
  rawWrite("delete from jobs where id = ? and fence = ? and node = ?", [lease.id, lease.fence, node]);

/** Puts a job back until `at`, if this hold is still its newest. */
export const returnHeld = (node: string, lease: Lease, at: Date, why: string): Write => ({
  ...rawWrite(
    `update jobs set node = null, lease_until = null, run_at = ?, last_error = ?
     where id = ? and fence = ? and node = ?`,
    [at.getTime(), why.slice(0, 1000), lease.id, lease.fence, node],
  ),
  dueAt: at,
});

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

/** Only the holder extends a lease: rows that another node holds by now are not touched. */
export const extendLeases = (node: string, ids: string[], until: Date): Write =>
  rawWrite("update jobs set lease_until = ? where node = ? and id in (select value from json_each(?))", [
    until.getTime(),
    node,
    JSON.stringify(ids),
  ]);

const backToReady = (where: string, now: Date, params: SqlValue[]): Write[] => [
  rawWrite(
    `update lanes set next_at = max(?1, coalesce(blocked_until, 0))
     where lane in (select distinct lane from jobs where node is not null and ${where})
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

/** Spreads lanes that are overdue over `spreadMs`, so that a start is no stampede. */
export const spreadOverdue = (now: Date, spreadMs: number): Write =>
  rawWrite("update lanes set next_at = ?1 + abs(random()) % ?2 where next_at <= ?1", [
    now.getTime(),
    spreadMs,
  ]);

/** Removes a job that nobody holds; the condition of whatever cancels the work it stands for. */
export const removeWaitingJob = (id: string): Write =>
  rawWrite("delete from jobs where id = ? and node is null", [id]);

export async function findLane(db: Db, lane: string): Promise<Lane | undefined> {
  return db.select().from(lanes).where(eq(lanes.lane, lane)).get();
}

/** Counts no further than `most`. */
export async function countOverdueLanes(db: Db, now: Date, most: number): Promise<number> {
  const [row] = await db.values<[number]>(
    sql`select count(*) from (select 1 from lanes where next_at <= ${now.getTime()} limit ${most})`,
  );
  return row?.[0] ?? 0;
}
