/** The operator's switches: all sending, or one lane, with everything that comes later. */
import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { deliver } from "../emails/jobs.ts";
import {
  findPause,
  isPaused,
  pausedUntil,
  pauseKind,
  pauseLane,
  resumeKind,
  resumeLane,
} from "../jobs/pause.ts";
import { type Lane, lanes, type Pause } from "../jobs/schema.ts";
import { fullLane, oneLine, shortLane } from "./queue-filter.ts";

const noReason = "no reason given";

/** Since when and why nothing is sent, or undefined while sending is on. */
export async function findSendingPause(app: App): Promise<Pause | undefined> {
  return findPause(app.db, deliver.name);
}

/** Stops all sending, over restarts and on every node; emails are still accepted, and what is under way is finished. */
export async function pauseSending(app: App, reason?: string): Promise<void> {
  await atomically(app, pauseKind(app, deliver.name, oneLine(reason) || noReason));
}

export async function resumeSending(app: App): Promise<void> {
  await atomically(app, resumeKind(app, deliver.name));
}

/** Stops one lane for all that waits in it and will come into it. */
export async function pauseQueueLane(app: App, lane: string, reason?: string): Promise<void> {
  await atomically(app, pauseLane(app, fullLane(lane), oneLine(reason) || noReason));
}

/** Opens a lane again, whoever has blocked it. */
export async function resumeQueueLane(app: App, lane: string): Promise<void> {
  await atomically(app, resumeLane(app, fullLane(lane)));
}

/** A lane as an operator sees it; without times that only say "until somebody resumes it". */
export interface QueueLane {
  lane: string;
  nextAt: Date | null;
  blockedUntil: Date | null;
  blockedBy: string | null;
  isPaused: boolean;
}

/** Lanes in which something waits or that are blocked, by name; one more than `limit`, to tell whether there are more. */
export async function listQueueLanes(
  app: App,
  { after = "", limit }: { after?: string; limit: number },
): Promise<QueueLane[]> {
  const rows = await listLanes(app.db, `${deliver.name}/${after}`, app.now(), limit + 1);
  return rows.map((row) => toQueueLane(row, app.now()));
}

export function toQueueLane(row: Lane, now: Date): QueueLane {
  const isBlocked = row.blockedUntil !== null && row.blockedUntil > now;
  return {
    lane: shortLane(row.lane),
    nextAt: knownTime(row.nextAt),
    blockedUntil: isBlocked ? knownTime(row.blockedUntil) : null,
    blockedBy: isBlocked ? row.blockedBy : null,
    isPaused: isPaused(row),
  };
}

const knownTime = (at: Date | null) => (at && at < pausedUntil ? at : null);

async function listLanes(db: Db, after: string, now: Date, limit: number): Promise<Lane[]> {
  return db
    .select()
    .from(lanes)
    .where(
      // "0" follows "/": all lanes of the kind, by their names' index.
      sql`${lanes.lane} > ${after} and ${lanes.lane} < ${`${deliver.name}0`}
          and (${lanes.nextAt} is not null or ${lanes.blockedUntil} > ${now.getTime()})`,
    )
    .orderBy(lanes.lane)
    .limit(limit);
}
