import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { listEventsOf } from "../events/read.ts";
import { bodyOf } from "./body.ts";
import {
  endOfEvents,
  findDueCall,
  findEvent,
  findLastTaken,
  type ListedEvent,
  listAttempts,
  listEvents,
  listEventsWithin,
  listToldEndpoints,
  type ToldEndpoint,
} from "./event-store.ts";
import { isMessageId, messageIdOf } from "./message-id.ts";
import type { Webhook, WebhookAttempt, WebhookEventStatus } from "./schema.ts";
import { getWebhook } from "./service.ts";

/** One page of what an endpoint was told, or is to be, and one more; newest first. */
export async function getWebhookEvents(
  app: App,
  teamId: string,
  webhookId: string,
  page: Keyset,
): Promise<ListedEvent[]> {
  const { id } = await getWebhook(app, teamId, webhookId);
  return listEvents(app.db, id, page);
}

export interface EventPage {
  /** Newest first. */
  rows: ListedEvent[];
  /** Where the next page begins; undefined when this was the last. */
  next: string | undefined;
}

/** Events looked at in one go: there is no index by status, which every event of every endpoint would pay for. */
const eventsPerLook = 2_000;

/** One page of an endpoint's events with a status, or of all. It may be short, and even empty, though more follow. */
export async function findEventsOf(
  app: App,
  teamId: string,
  webhookId: string,
  { status, after, limit }: { status?: WebhookEventStatus; after?: string; limit: number },
): Promise<EventPage> {
  const { id } = await getWebhook(app, teamId, webhookId);
  const end = status && (await endOfEvents(app.db, id, after, eventsPerLook));
  const found = await listEventsWithin(app.db, id, { status, after, end, limit: limit + 1 });
  const rows = found.slice(0, limit);
  return { rows, next: found.length > limit ? rows.at(-1)!.id : end };
}

/** Events that are not older than one: what a page that shows a list from there on has to keep up with. */
export async function listEventsSince(
  app: App,
  teamId: string,
  webhookId: string,
  { status, since, limit }: { status?: WebhookEventStatus; since: string | undefined; limit: number },
): Promise<ListedEvent[]> {
  const { id } = await getWebhook(app, teamId, webhookId);
  const recent = await endOfEvents(app.db, id, undefined, eventsPerLook);
  const end = recent !== undefined && (since === undefined || recent > since) ? recent : since;
  return listEventsWithin(app.db, id, { status, end, limit });
}

/** How many of an endpoint's last events are looked at for one that was taken. */
const eventsForHealth = 100;

/** When an endpoint last took an event, as far as its last hundred events know. */
export async function lastTakenAt(app: App, { id }: Webhook): Promise<Date | undefined> {
  const event = await findLastTaken(app.db, id, eventsForHealth);
  if (!event) return undefined;
  const attempts = await listAttempts(app.db, id, event.id, { limit: 0 });
  return attempts[0]?.createdAt ?? event.createdAt;
}

/** An endpoint, and how it has been doing. */
export interface WebhookStanding {
  webhook: Webhook;
  lastTakenAt: Date | undefined;
}

export const withStanding = (app: App, webhooks: Webhook[]): Promise<WebhookStanding[]> =>
  Promise.all(webhooks.map(async (webhook) => ({ webhook, lastTakenAt: await lastTakenAt(app, webhook) })));

export async function getWebhookEvent(
  app: App,
  teamId: string,
  webhookId: string,
  id: string,
): Promise<ListedEvent> {
  const webhook = await getWebhook(app, teamId, webhookId);
  const event = isMessageId(id) ? await findEvent(app.db, webhook.id, id) : undefined;
  if (!event) throw new Refusal("not_found", "Webhook event not found");
  return event;
}

/** What a call of the event carries; null once the event itself is no longer kept. */
export async function getPayload(app: App, { webhookId, id }: ListedEvent): Promise<unknown> {
  const due = await findDueCall(app.db, webhookId, id);
  return due?.event ? JSON.parse(await bodyOf(app, due, due.event)) : null;
}

/** One page of an event's calls and one more, newest first. */
export async function getAttempts(
  app: App,
  teamId: string,
  webhookId: string,
  id: string,
  page: Keyset,
): Promise<WebhookAttempt[]> {
  const event = await getWebhookEvent(app, teamId, webhookId, id);
  return listAttempts(app.db, event.webhookId, event.id, page);
}

/** What the team's endpoints were told of an email that came in; nothing once its event is no longer kept. */
export async function getToldOfReceived(app: App, teamId: string, emailId: string): Promise<ToldEndpoint[]> {
  const [event] = await listEventsOf(app.db, teamId, emailId, { limit: 1 });
  return event ? listToldEndpoints(app.db, teamId, messageIdOf(event.id)) : [];
}
