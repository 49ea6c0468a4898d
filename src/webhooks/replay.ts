/** Telling endpoints again: one event, or all that a filter asks for. */
import { type App, atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { again, done, enqueue, handle } from "../jobs/job.ts";
import { findDueCall, listSlice, replayEvents } from "./event-store.ts";
import { replayWebhook } from "./jobs.ts";
import { leastMessageIdAt } from "./message-id.ts";
import { eventNames } from "./names.ts";
import { getWebhookEvent } from "./read.ts";
import { type Webhook, webhookEventStatuses } from "./schema.ts";
import { getWebhook, wakeEndpoint } from "./service.ts";
import { findAnyWebhook } from "./store.ts";

/** Tells an endpoint one event once more, whatever came of it; with the same id, by which a receiver knows it. */
export async function replayEvent(
  app: App,
  teamId: string,
  webhookId: string,
  messageId: string,
): Promise<string> {
  requireEnabled(await getWebhook(app, teamId, webhookId));
  const event = await getWebhookEvent(app, teamId, webhookId, messageId);
  if (!(await findDueCall(app.db, event.webhookId, event.id))?.event) {
    throw new Refusal(
      "validation_error",
      "This event can't be replayed: what it said is not kept any more, for events are kept as long as `retention.events` says.",
    );
  }
  await atomically(app, [
    ...replayEvents(event.webhookId, [event.id], app.now()),
    ...wakeEndpoint(app, event.webhookId),
  ]);
  return event.id;
}

/** Which events; what is absent does not matter, but for the status: those that failed. */
export interface ReplayFilter {
  type?: string;
  status?: string;
  /** Recorded at this time or later. */
  from?: Date;
  /** Recorded before this time; at the latest when the replay was asked for. */
  to?: Date;
}

/** Begins to tell an endpoint again what the filter asks for; gives the id of the work. */
export async function replayFiltered(
  app: App,
  teamId: string,
  webhookId: string,
  { type, status = "failed", from, to }: ReplayFilter,
): Promise<string> {
  const webhook = await getWebhook(app, teamId, webhookId);
  requireEnabled(webhook);
  const known = webhookEventStatuses.find((each) => each === status);
  if (!known) {
    throw new Refusal(
      "validation_error",
      `Invalid \`status\` field. It must be one of ${webhookEventStatuses.join(", ")}.`,
    );
  }
  if (type !== undefined && !eventNames.includes(type)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`type\` field. It must be one of ${eventNames.join(", ")}.`,
    );
  }
  const now = app.now();
  const end = to && to < now ? to : now;
  if (from && from >= end) {
    throw new Refusal("validation_error", "Invalid `from` field. It must be before `to`, and in the past.");
  }
  const id = newId();
  const payload = {
    ...{ webhookId: webhook.id, name: type, status: known },
    after: leastMessageIdAt(from ?? new Date(0)),
    end: leastMessageIdAt(new Date(end.getTime() + (end === now ? 1 : 0))), // what was recorded until now, with this moment
  };
  await atomically(app, enqueue(app, replayWebhook, payload, { id, lane: webhook.id }));
  return id;
}

/** Events looked at in one batch. */
const eventsPerSlice = 500;

/** The slice's replays and the cursor go together, so that a crash has nothing told once more. */
export const replayingWebhooks = handle(replayWebhook, async (app, filter, { id }) => {
  const { webhookId, name, status, after, end } = filter;
  const webhook = await findAnyWebhook(app.db, webhookId);
  if (webhook?.status !== "enabled") return done();
  const slice = await listSlice(app.db, webhookId, { after, end, limit: eventsPerSlice });
  const wanted = slice.filter((event) => event.status === status && (!name || event.name === name));
  const ids = wanted.map((event) => event.id);
  const now = app.now();
  const writes =
    ids.length > 0 ? [...replayEvents(webhookId, ids, now), ...wakeEndpoint(app, webhookId)] : [];
  const last = slice.at(-1);
  if (!last || slice.length < eventsPerSlice) return done(writes);
  const payload = JSON.stringify({ ...filter, after: last.id });
  return again(now, "there is more to replay", [
    ...writes,
    rawWrite("update jobs set payload = ? where id = ?", [payload, id]),
  ]);
});

function requireEnabled({ status, disabledReason }: Webhook): void {
  if (status === "enabled") return;
  const why = disabledReason === null ? "" : ` ${disabledReason}`;
  throw new Refusal("validation_error", `The webhook is disabled: enable it first.${why}`);
}
