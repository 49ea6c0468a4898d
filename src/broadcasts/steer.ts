import type { App } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { deliver } from "../emails/jobs.ts";
import { once } from "../jobs/once.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { touchLanes } from "../jobs/store.ts";
import type { Broadcast, Steered } from "./schema.ts";
import { conducted, dropJobs, forgiveWait, holdJobs, listToSteer, releaseJobs } from "./store.ts";

const sliceSize = 1_000;

/** Why a job is held; jobs that an operator holds are held for another reason, and stay. */
export const heldNote = "its broadcast is paused";

/** A delivery of a broadcast with a rate that is later than this has lost its place, and gets another. */
export const lateMs = 2_000;

/**
 * Moves the jobs of the next thousand recipients where their broadcast is now: out of the way, back into line, or away.
 * Until their turn comes an attempt finds out by itself that it is not to be made.
 */
export async function steer(app: App, broadcast: Broadcast, to: Steered): Promise<void> {
  const isUnderWay = broadcast.steered === to;
  const after = isUnderWay ? (broadcast.steerCursor ?? "") : "";
  const rows = await listToSteer(app.db, broadcast.emailId!, after, sliceSize);
  const waiting = rows.filter(({ lane }) => lane !== null);
  const steerCursor = rows.length < sliceSize ? null : rows.at(-1)!.id;
  await once(app, [
    conducted(app.db, broadcast, { steered: to, steerCursor }),
    expectChange(),
    ...moves(app, to, waiting),
  ]);
}

function moves(app: App, to: Steered, rows: { id: string; lane: string | null }[]): Write[] {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const now = app.now();
  switch (to) {
    case "paused":
      return [holdJobs(ids, pausedUntil, heldNote)];
    case "canceled":
      return dropJobs(ids, "Its broadcast was canceled", now);
    case "sending": {
      const lanes = new Map(rows.map(({ lane }) => [lane!, now]));
      const late = new Date(now.getTime() - lateMs - 1);
      return [releaseJobs(ids, now, heldNote), forgiveWait(ids, late), touchLanes(deliver.name, lanes)];
    }
  }
}
