import type { App } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { deliver } from "../emails/jobs.ts";
import { recordOfDeliveries } from "../events/record-selected.ts";
import { once } from "../jobs/once.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { touchLanes } from "../jobs/store.ts";
import { turnsFrom } from "./pace.ts";
import { type Broadcast, heldNote, type Steered } from "./schema.ts";
import {
  conducted,
  dropJobs,
  findDomainOf,
  forgiveWait,
  giveTurns,
  holdJobs,
  isWaiting,
  listToSteer,
  releaseJobs,
  type ToSteer,
} from "./store.ts";

const sliceSize = 1_000;

/**
 * Moves the jobs of the next thousand recipients where their broadcast is now: out of the way, back into line, or away.
 * Until their turn comes an attempt finds out by itself that it is not to be made.
 */
export async function steer(app: App, broadcast: Broadcast, to: Steered): Promise<void> {
  const isUnderWay = broadcast.steered === to;
  const after = isUnderWay ? (broadcast.steerCursor ?? "") : "";
  const rows = await listToSteer(app.db, broadcast.emailId!, after, sliceSize);
  const waiting = rows.filter(({ lane }) => lane !== null);
  const now = app.now();
  const turns = turnsFrom(broadcast, now);
  const given = new Map(
    to === "sending" ? rows.filter((row) => row.awaitsTurn).map(({ id }) => [id, turns.next()]) : [],
  );
  const domainId = to === "canceled" ? await findDomainOf(app.db, broadcast.emailId!) : null;
  const steerCursor = rows.length < sliceSize ? null : rows.at(-1)!.id;
  await once(app, [
    conducted(app.db, broadcast, { steered: to, steerCursor, ...turns.pace() }),
    expectChange(),
    ...moves(app, broadcast, to, { domainId, turns: given }, waiting),
  ]);
}

/** Why a delivery of a canceled broadcast was never made. */
export const canceledNote = "Its broadcast was canceled";

/** The event of whoever is not sent a broadcast any more. */
export const tellCanceled = { canceled: { reason: canceledNote } };

function moves(
  app: App,
  { id: broadcastId, teamId, emailId }: Broadcast,
  to: Steered,
  { domainId, turns }: { domainId: string | null; turns: ReadonlyMap<string, Date> },
  rows: ToSteer[],
): Write[] {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const now = app.now();
  switch (to) {
    case "paused":
      return [holdJobs(ids, pausedUntil, heldNote)];
    case "canceled":
      return [
        // Before their jobs go: whoever is being handed over tells of it himself.
        ...recordOfDeliveries(
          app,
          {
            ...{ type: "email.canceled", teamId, emailId: emailId!, domainId, broadcastId },
            ...{ data: tellCanceled, where: isWaiting },
          },
          ids,
        ),
        ...dropJobs(ids, canceledNote, now),
      ];
    case "sending": {
      const lanes = new Map<string, Date>();
      for (const { id, lane } of rows) {
        const at = turns.get(id) ?? now;
        if (at < (lanes.get(lane!) ?? pausedUntil)) lanes.set(lane!, at);
      }
      return [
        forgiveWait(ids, now),
        releaseJobs(ids, now, heldNote),
        ...giveTurns(turns),
        touchLanes(deliver.name, lanes),
      ];
    }
  }
}
