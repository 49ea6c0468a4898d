/** The end of a hold: what is written when a handler has returned, whatever state the store is in. */
import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { StorageUnavailable, WriteConflict } from "../errors.ts";
import { type Ending, laneOf } from "./job.ts";
import { type Lease, notBefore, removeHeld, returnHeld, settleLane, touchLane } from "./store.ts";

/** The dispatcher, as far as the end of a hold concerns it. */
export interface Holder {
  node: string;
  /** The newest lease this node has on a job: it may have been freed elsewhere and claimed again meanwhile. */
  newest(lease: Lease): Lease;
  /** Whether the program ends now and nothing may be waited for. */
  hasLetGo(): boolean;
  /** Waits, but no longer than the program's stop allows. */
  pause(ms: number): Promise<void>;
}

/**
 * Writes how a job ended. What was done can't be undone, so a store that can't be written now is tried again for as long
 * as the program runs: giving up would do the work twice. Answers the hold that was ended.
 */
export async function settle(app: App, holder: Holder, taken: Lease, given: Ending): Promise<Lease> {
  let ending = given;
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, 10_000)) {
    const lease = holder.newest(taken);
    const job = { job: lease.id, kind: lease.kind };
    try {
      const writes = [...endOf(holder.node, lease, ending, app.now()), ...ending.writes];
      await atomically(app, writes, { isPatient: true });
      return lease;
    } catch (error) {
      if (error instanceof WriteConflict && error.kind === "stale") {
        if (holder.newest(taken) !== lease) continue; // freed elsewhere and claimed again by this node meanwhile
        app.log.warn(job, "another holder has this job by now; its ending was not written");
        return lease;
      }
      if (error instanceof StorageUnavailable && !holder.hasLetGo()) {
        app.log.error(job, "a job's ending can't be written now; trying again");
        await holder.pause(delayMs);
        continue;
      }
      app.log.error({ err: error, ...job }, "a job's ending could not be written");
      if (holder.hasLetGo() || ending.writes.length === 0) return lease;
      // Refused for what it says and not for the moment: left alone, the lease would end and the work be done again every
      // minute. It goes back with the reason and a growing pause.
      ending = backAfterFault(app, lease, error);
    }
  }
}

function endOf(node: string, lease: Lease, ending: Ending, now: Date): Write[] {
  if (ending.kind === "done") return [removeHeld(node, lease), expectChange()];
  const { at, why } = ending;
  const lane = ending.lane === undefined ? lease.lane : laneOf({ name: lease.kind }, ending.lane);
  const back = [returnHeld(node, lease, at, why, lane), expectChange(), touchLane(lane, notBefore(at, now))];
  return lane === lease.lane ? back : [...back, settleLane(lease.lane, now)];
}

/** A fault is tried again after 10 s, 20 s, 40 s … up to an hour, ±20 %. */
export function backAfterFault(app: App, { attempt }: Lease, error: unknown): Ending {
  const delay = Math.min(10_000 * 2 ** (attempt - 1), 3_600_000);
  const at = new Date(app.now().getTime() + Math.round(delay * (0.8 + 0.4 * app.random())));
  return { kind: "again", at, why: error instanceof Error ? error.message : String(error), writes: [] };
}
