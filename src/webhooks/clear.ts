/** What waited for an endpoint that was disabled is failed, so that it can be replayed; of one that was deleted all goes. */
import { setImmediate } from "node:timers/promises";
import { type App, atomically } from "../app.ts";
import { done, handle, laneOf } from "../jobs/job.ts";
import { settleLane } from "../jobs/store.ts";
import { deleteEvents, dropWaiting, listWaiting } from "./event-store.ts";
import { forgetHealth } from "./health.ts";
import { callWebhook, clearWebhook } from "./jobs.ts";
import { findAnyWebhook } from "./store.ts";

/** Removed in one batch, so that no other write waits long behind it. */
const rowsPerSlice = 500;

/** Above every id. */
const beyondAll = "msg_g";

export const clearingWebhooks = handle(clearWebhook, async (app, { webhookId }) => {
  await clearEndpoint(app, webhookId);
  return done();
});

/** Can be begun again after a crash; stops as soon as the endpoint is enabled again. */
export async function clearEndpoint(app: App, webhookId: string, slice = rowsPerSlice): Promise<void> {
  const lane = laneOf(callWebhook, webhookId);
  for (;;) {
    const webhook = await findAnyWebhook(app.db, webhookId);
    if (webhook?.status === "enabled") return;
    const ids = await listWaiting(app.db, lane, slice);
    if (ids.length > 0) {
      await atomically(app, [...dropWaiting(webhookId, ids), settleLane(lane, app.now())]);
    } else if (webhook || (await removeEvents(app, webhookId, beyondAll, slice)) < slice) {
      forgetHealth(app, webhookId);
      return;
    }
    await setImmediate();
  }
}

/** Removes a slice of an endpoint's events below an id; gives how many those were. */
export async function removeEvents(
  app: App,
  webhookId: string,
  below: string,
  slice: number,
): Promise<number> {
  const [, events] = await atomically(app, deleteEvents(webhookId, below, slice));
  return events!.changes;
}
