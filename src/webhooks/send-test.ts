import { type App, atomically } from "../app.ts";
import { Refusal } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { messageIdOf } from "./message-id.ts";
import { getWebhook, wakeEndpoint } from "./service.ts";

/** Tells an endpoint, and no other, an event that means nothing, signed like all others; gives the event's `msg_` id. */
export async function sendTestEvent(app: App, teamId: string, webhookId: string): Promise<string> {
  const { id, status } = await getWebhook(app, teamId, webhookId);
  if (status !== "enabled") {
    throw new Refusal("validation_error", "The webhook is disabled: enable it first.");
  }
  const data = { webhook_id: id, message: "This is a test event. Nothing has happened." };
  const eventId = newId();
  await atomically(app, [
    ...recordEvent(app, { id: eventId, type: "webhook.test", teamId, webhookId: id, data }),
    ...wakeEndpoint(app, id),
  ]);
  return messageIdOf(eventId);
}
