import { type App, atomically, leaveTrace, requireRole } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { expectChange, type Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { endQuiet } from "../events/heard.ts";
import { isId, newId } from "../ids.ts";
import { enqueue, laneOf } from "../jobs/job.ts";
import { settleLane, touchLane, unblockLane } from "../jobs/store.ts";
import { readEndpoint } from "./endpoint.ts";
import { forgetHealth } from "./health.ts";
import { callWebhook, clearWebhook } from "./jobs.ts";
import { readEventNames, subscriptionsOf } from "./names.ts";
import { type Webhook, type WebhookStatus, webhookStatuses } from "./schema.ts";
import { newSecret } from "./signature.ts";
import {
  deleteSubscriptions,
  deleteWebhook,
  findWebhook,
  insertWebhook,
  listWebhooks,
  replaceSecret,
  replaceSubscriptions,
  updateWebhook,
  type WebhookFields,
} from "./store.ts";

export interface NewWebhook {
  endpoint: string;
  events: string[];
  status?: string;
  /** Whether `email.received` carries the whole email. */
  includeBody?: boolean;
}

/** How many endpoints a team may have: each hears of every event of its kind. */
const mostPerTeam = 100;

/** How long the secret before a rotation signs as well. */
const overlapMs = 24 * 3_600_000;

/** Adds an endpoint, which hears of what happens from now on. */
export async function createWebhook(
  app: App,
  teamId: string,
  input: NewWebhook,
): Promise<{ webhook: Webhook; secret: string }> {
  const events = readEventNames(input.events);
  const id = newId();
  const secret = newSecret();
  const webhook: Webhook = {
    id,
    teamId,
    endpoint: readEndpoint(app, input.endpoint),
    events,
    status: readStatus(input.status ?? "enabled"),
    includeBody: input.includeBody ?? false,
    sealedSecret: app.secrets.seal(secret, sealingPurpose(id)),
    sealedOldSecret: null,
    oldSecretUntil: null,
    failingSince: null,
    lastFailureAt: null,
    disabledReason: null,
    createdAt: app.now(),
  };
  const others = await listWebhooks(app.db, teamId, { limit: mostPerTeam - 1 });
  if (others.length >= mostPerTeam) {
    throw new Refusal(
      "validation_error",
      `A team may have ${mostPerTeam} webhooks: delete one that is no longer needed.`,
    );
  }
  await atomically(app, [
    insertWebhook(app.db, webhook),
    ...replaceSubscriptions(app.db, id, subscriptionsOf(events)),
  ]);
  endQuiet(app, teamId);
  return { webhook, secret };
}

/** One page of a team's endpoints and one more, newest first. */
export async function getWebhooks(app: App, teamId: string, page: Keyset): Promise<Webhook[]> {
  return listWebhooks(app.db, teamId, page);
}

export async function getWebhook(app: App, teamId: string, id: string): Promise<Webhook> {
  const webhook = isId(id) ? await findWebhook(app.db, teamId, id.toLowerCase()) : undefined;
  if (!webhook) throw new Refusal("not_found", notFound);
  return webhook;
}

export const secretOf = (app: App, { id, sealedSecret }: Webhook): string =>
  app.secrets.open(sealedSecret, sealingPurpose(id));

/** The secret of an endpoint for whoever sets its receiver up; whoever may only look does not see it. */
export async function revealSecret(app: App, teamId: string, id: string): Promise<string> {
  requireRole(app, "developer");
  const secret = secretOf(app, await getWebhook(app, teamId, id));
  await leaveTrace(app);
  return secret;
}

/** Until when the secret before a rotation signs as well; undefined where none does. */
export function previousSecretUntil(
  app: App,
  { sealedOldSecret, oldSecretUntil }: Webhook,
): Date | undefined {
  return sealedOldSecret !== null && oldSecretUntil !== null && oldSecretUntil > app.now()
    ? oldSecretUntil
    : undefined;
}

/** The secrets that sign a call, the newest first. */
export function signingSecrets(app: App, webhook: Webhook): string[] {
  const { id, sealedOldSecret } = webhook;
  const isOldValid = previousSecretUntil(app, webhook) !== undefined;
  const old = isOldValid ? [app.secrets.open(sealedOldSecret!, sealingPurpose(id))] : [];
  return [secretOf(app, webhook), ...old];
}

/** Refuses what a webhook can't be, or become; it changes nothing. */
export function checkWebhook(app: App, changes: Partial<NewWebhook>): void {
  readFields(app, changes);
}

const readFields = (
  app: App,
  { endpoint, events, status, includeBody }: Partial<NewWebhook>,
): WebhookFields => ({
  ...(endpoint !== undefined && { endpoint: readEndpoint(app, endpoint) }),
  ...(events !== undefined && { events: readEventNames(events) }),
  ...(status !== undefined && { status: readStatus(status) }),
  ...(includeBody !== undefined && { includeBody }),
});

/**
 * Changes an endpoint; what is absent stays. One that is disabled hears of nothing, and what waits for it counts as
 * failed until it is replayed.
 */
export async function changeWebhook(
  app: App,
  teamId: string,
  id: string,
  changes: Partial<NewWebhook>,
): Promise<Webhook> {
  await getWebhook(app, teamId, id); // what is not there is said before what is wrong with the change
  const fields = readFields(app, changes);
  if (Object.keys(fields).length === 0) {
    throw new Refusal(
      "missing_required_field",
      "Nothing to change: give `endpoint`, `events`, `status` or `include_body`.",
    );
  }
  const isFresh = fields.endpoint !== undefined || fields.status === "enabled";
  if (isFresh) Object.assign(fields, { failingSince: null, lastFailureAt: null });
  if (fields.status !== undefined) fields.disabledReason = null;
  for (;;) {
    const before = await getWebhook(app, teamId, id);
    const after = { ...before, ...fields };
    const writes = [
      updateWebhook(app.db, before, fields),
      expectChange(),
      ...replaceSubscriptions(app.db, before.id, subscriptionsOf(after.events)),
      ...(isFresh ? wakeEndpoint(app, before.id) : []),
      ...(fields.status === "disabled" ? enqueue(app, clearWebhook, { webhookId: before.id }) : []),
    ];
    try {
      await atomically(app, writes);
      endQuiet(app, teamId);
      return after;
    } catch (error) {
      if (!isStale(error)) throw error; // else it was changed or removed meanwhile: look again
    }
  }
}

/** Removes an endpoint: nothing is told it any more, from the next call on; its events go in slices. */
export async function removeWebhook(app: App, teamId: string, id: string): Promise<string> {
  const webhook = await getWebhook(app, teamId, id);
  await atomically(app, [
    deleteSubscriptions(app.db, webhook.id),
    deleteWebhook(app.db, teamId, webhook.id),
    expectChange(),
    ...enqueue(app, clearWebhook, { webhookId: webhook.id }),
  ]).catch(refuseStale);
  return webhook.id;
}

/** Gives an endpoint a new secret; the one before signs too for a day, so that its receiver loses nothing. */
export async function rotateSecret(
  app: App,
  teamId: string,
  id: string,
): Promise<{ id: string; secret: string }> {
  const webhook = await getWebhook(app, teamId, id);
  const secret = newSecret();
  await atomically(app, [
    replaceSecret(app.db, webhook, {
      sealedSecret: app.secrets.seal(secret, sealingPurpose(webhook.id)),
      sealedOldSecret: webhook.sealedSecret,
      oldSecretUntil: new Date(app.now().getTime() + overlapMs),
    }),
    expectChange(),
  ]).catch((error: unknown) => {
    if (!isStale(error)) throw error;
    throw new Refusal("already_exists", "The secret was changed by another request meanwhile: get it again.");
  });
  return { id: webhook.id, secret };
}

/** The writes that have an endpoint called at once, also one that rests after failures. */
export function wakeEndpoint(app: App, webhookId: string): Write[] {
  forgetHealth(app, webhookId);
  const now = app.now();
  const lane = laneOf(callWebhook, webhookId);
  return [touchLane(lane, now), unblockLane(lane), { ...settleLane(lane, now), dueAt: now }];
}

export const notFound = "Webhook not found";

const sealingPurpose = (id: string): string => `webhook secret ${id}`;

function readStatus(text: string): WebhookStatus {
  const status = webhookStatuses.find((each) => each === text);
  if (status) return status;
  throw new Refusal("validation_error", "Invalid `status` field. It must be `enabled` or `disabled`.");
}

const isStale = (error: unknown): boolean => error instanceof WriteConflict && error.kind === "stale";

function refuseStale(error: unknown): never {
  if (isStale(error)) throw new Refusal("not_found", notFound);
  throw error;
}
