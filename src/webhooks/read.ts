import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { bodyOf } from "./body.ts";
import {
  findDueCall,
  findEvent,
  type ListedEvent,
  listAttempts,
  listEvents,
  listToldEndpoints,
  type ToldEndpoint,
} from "./event-store.ts";
import { isMessageId, messageIdOf } from "./message-id.ts";
import type { WebhookAttempt } from "./schema.ts";
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

/** What the team's endpoints were told of one event. */
export const getToldEndpoints = (app: App, teamId: string, eventId: string): Promise<ToldEndpoint[]> =>
  listToldEndpoints(app.db, teamId, messageIdOf(eventId));
