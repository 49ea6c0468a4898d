import { setImmediate } from "node:timers/promises";
import type { App } from "../app.ts";
import { recurring } from "../jobs/recurring.ts";
import { removeEvents } from "./clear.ts";
import { nextWebhookWithEvents } from "./event-store.ts";
import { leastMessageIdAt } from "./message-id.ts";

/** Removed in one batch, so that no other write waits long behind it. */
const eventsPerSlice = 500;

/** Removes what endpoints were told, with the calls, once it is older than `retention.webhooks`. */
export const forgettingWebhookEvents = recurring("forget_webhook_events", 3_600_000, (app) =>
  forgetWebhookEvents(app),
);

/** Also of endpoints that are no longer there. What is still to be told stays. */
export async function forgetWebhookEvents(app: App, slice = eventsPerSlice): Promise<void> {
  const { webhooks: keptFor } = app.config.retention;
  if (keptFor === "forever") return;
  const below = leastMessageIdAt(new Date(app.now().getTime() - keptFor));
  for (let id = await nextWebhookWithEvents(app.db, ""); id; id = await nextWebhookWithEvents(app.db, id)) {
    while ((await removeEvents(app, id, below, slice)) === slice) await setImmediate();
  }
}
