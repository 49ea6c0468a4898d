/** What an operator stops: a whole kind of work, or one lane of it. What is under way finishes. */
import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { type Lane, type Pause, pauses } from "./schema.ts";
import { blockLane, settleLane, unblockLane } from "./store.ts";

/** A lane that is blocked until then is paused: only an operator lifts it, while limiters' blocks end by themselves. */
export const pausedUntil = new Date("9999-01-01T00:00:00Z");

export const isPaused = (lane: Lane | undefined): boolean =>
  !!lane?.blockedUntil && lane.blockedUntil >= pausedUntil;

/** No node begins a job of this kind until `resumeKind`, over restarts too. */
export function pauseKind(app: App, kind: string, reason: string): Write[] {
  const createdAt = app.now();
  return [
    app.db
      .insert(pauses)
      .values({ kind, reason, createdAt })
      .onConflictDoUpdate({ target: pauses.kind, set: { reason, createdAt } }),
  ];
}

export function resumeKind(app: App, kind: string): Write[] {
  return [{ ...rawWrite("delete from pauses where kind = ?", [kind]), dueAt: app.now() }];
}

export async function findPause(db: Db, kind: string): Promise<Pause | undefined> {
  return db.select().from(pauses).where(eq(pauses.kind, kind)).get();
}

/** Stops one lane, given by its full name, whether anything has ever waited in it or not. */
export function pauseLane(_app: App, lane: string, reason: string): Write[] {
  return [
    blockLane(lane, pausedUntil, reason),
    // Paused already: the newer reason is the one to show.
    rawWrite("update lanes set blocked_by = ? where lane = ?", [reason, lane]),
  ];
}

/** Lifts any block of a lane, a limiter's too: an operator who says "now" means it. */
export function resumeLane(app: App, lane: string): Write[] {
  const now = app.now();
  return [unblockLane(lane), { ...settleLane(lane, now), dueAt: now }];
}
