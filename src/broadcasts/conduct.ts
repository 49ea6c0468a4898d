/** How a broadcast goes its way: begun, given its recipients, steered where it was paused, and watched until it is sent. */
import type { App } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { again, done, type Ending, handle } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { begin } from "./begin.ts";
import { expand, fixLate } from "./expand.ts";
import { conduct } from "./jobs.ts";
import { lateMs } from "./pace.ts";
import { repaced } from "./rate.ts";
import { type Broadcast, behindAll } from "./schema.ts";
import { steer } from "./steer.ts";
import { conducted, findBroadcastById, findTurn, findUntried } from "./store.ts";

/** How often one looks whether every recipient has had a first attempt. */
const watchMs = 1_000;
const stoodStillMs = 10_000;

/**
 * Every step is one batch that stands only while the broadcast is as it was seen, so a crash, a second conductor, or
 * whoever pauses it in the middle leaves whole steps behind; and the next step follows from what is written.
 */
export const conducting = handle(conduct, async (app, { broadcastId }, { id, signal }) => {
  for (;;) {
    const broadcast = await findBroadcastById(app.db, broadcastId);
    if (broadcast?.conductor !== id) return done();
    if (signal.aborted) return again(app.now(), "the server was stopped");
    const ending = await nextStep(app, broadcast);
    if (ending) return ending;
  }
});

async function nextStep(app: App, broadcast: Broadcast): Promise<Ending | undefined> {
  const { status, steered, cursor, audienceEnd } = broadcast;
  switch (status) {
    case "scheduled":
    case "queued":
      await begin(app, broadcast);
      return undefined;
    case "sending":
    case "paused":
    case "canceled":
      if (steered !== status || broadcast.steerCursor !== null) await steer(app, broadcast, status);
      else if (cursor !== behindAll && audienceEnd !== null) await fixLate(app, broadcast);
      else if (cursor !== behindAll) await expand(app, broadcast);
      else return status === "sending" ? watch(app, broadcast) : done();
      return undefined;
    default:
      return done();
  }
}

/**
 * Where nobody has looked for a while the server stood still. Whoever was to go meanwhile must not go beside those whose
 * turn is now, at twice the rate.
 */
async function hasLostTime(
  app: App,
  { ratePerMinute, watchedAt }: Broadcast,
  untried: string,
): Promise<boolean> {
  const now = app.now().getTime();
  if (ratePerMinute === null || watchedAt === null || now - watchedAt.getTime() < stoodStillMs) return false;
  const turn = await findTurn(app.db, untried);
  return turn !== undefined && now - turn.getTime() > lateMs;
}

/** It is sent once every recipient has had a first attempt: what a host has put off is tried for two days more. */
async function watch(app: App, broadcast: Broadcast): Promise<Ending | undefined> {
  const untried = await findUntried(app.db, broadcast.emailId!, broadcast.watched ?? "");
  const now = app.now();
  if (untried === undefined) {
    const end = { status: "sent", sentAt: now, updatedAt: now } as const;
    await once(app, [conducted(app.db, broadcast, end), expectChange()]);
    return done();
  }
  if (await hasLostTime(app, broadcast, untried)) {
    await once(app, repaced(app, { ...broadcast, watched: untried }));
    return undefined;
  }
  const seen = conducted(app.db, broadcast, { watched: untried, watchedAt: now });
  return again(new Date(now.getTime() + watchMs), "its recipients are being sent to", [seen]);
}
