import { type App, requireRole } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { checkRate } from "./draft.ts";
import { conduct } from "./jobs.ts";
import { paceFrom } from "./pace.ts";
import { getBroadcast } from "./read.ts";
import { type Broadcast, type BroadcastStatus, onItsWay } from "./schema.ts";
import { conducted } from "./store.ts";

export const isOnItsWay = ({ status }: { status: BroadcastStatus }): boolean =>
  onItsWay.some((each) => each === status);

/**
 * Lets a broadcast that is on its way go slower or faster from now on. Of one that is being sent everybody who waits is
 * given another turn, by a new conductor, a slice at a time: see `steer`. A second change begins that again.
 */
export async function changeRate(
  app: App,
  seen: Broadcast,
  ratePerMinute: number | null,
): Promise<{ id: string }> {
  requireRole(app, "developer"); // also where nothing would change: nobody is told that it was done
  checkRate(ratePerMinute);
  for (let broadcast = seen; ; broadcast = await getBroadcast(app, seen.teamId, seen.id)) {
    const { id, status } = broadcast;
    if (!isOnItsWay(broadcast)) {
      throw new Refusal(
        "validation_error",
        `Only the rate of a draft, or of a broadcast that is on its way, can be changed: this one is ${status}.`,
      );
    }
    if (broadcast.ratePerMinute === ratePerMinute) return { id };
    const changes = { ratePerMinute, updatedAt: app.now() };
    const writes = status === "sending" ? repaced(app, broadcast, changes) : later(app, broadcast, changes);
    if (await once(app, writes)) return { id };
  }
}

/** Before it begins nobody has a turn; and when it is resumed everybody gets another. */
const later = (app: App, broadcast: Broadcast, changes: Partial<Broadcast>): Write[] => [
  conducted(app.db, broadcast, changes),
  expectChange(),
];

/** Gives everybody who waits another turn, from now on. */
export function repaced(app: App, broadcast: Broadcast, changes: Partial<Broadcast> = {}): Write[] {
  const { id } = broadcast;
  const conductor = newId();
  const steerCursor = behindWhomNobodyWaits(broadcast);
  return [
    conducted(app.db, broadcast, {
      ...{ ...changes, ...paceFrom(app.now()), steerCursor, conductor, watchedAt: null },
    }),
    expectChange(),
    ...enqueue(app, conduct, { broadcastId: id }, { id: conductor, lane: id }),
  ];
}

/**
 * Where giving turns begins: those who have had theirs are not walked through again. Jobs that are being released after a
 * pause are from where that has come to.
 */
function behindWhomNobodyWaits({ watched, steerCursor }: Broadcast): string {
  const before = watched?.slice(0, -1) ?? ""; // sorts before the first who may wait, and hardly before anybody else
  return steerCursor !== null && steerCursor < before ? steerCursor : before;
}
