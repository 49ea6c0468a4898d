import { Elysia } from "elysia";
import { h } from "preact";
import { EventPage, EventStanding } from "../../views/webhook-event.tsx";
import type { App } from "../app.ts";
import { getAttempts, getPayload, getWebhookEvent } from "../webhooks/read.ts";
import { replayEvent } from "../webhooks/replay.ts";
import { getWebhook } from "../webhooks/service.ts";
import { signedIn } from "./visit.ts";

/** The last calls of an event; a plan has fewer, but it may have been told again. */
const mostAttempts = 20;
const longestPayload = 100_000;

export const webhookEventPages = (app: App) => {
  const standingOf = async (teamId: string, webhookId: string, id: string) => {
    const event = await getWebhookEvent(app, teamId, webhookId, id);
    const attempts = await getAttempts(app, teamId, webhookId, id, { limit: mostAttempts - 1 });
    return { event, attempts };
  };
  return new Elysia({ prefix: "/webhooks/:id/events/:eventId" })
    .use(signedIn(app))
    .get("", async ({ visit, params: { id, eventId } }) => {
      const webhook = await getWebhook(app, visit.teamId, id);
      const { event, attempts } = await standingOf(visit.teamId, id, eventId);
      const payload = toText(await getPayload(app, event));
      return visit.page(
        {
          ...{ title: event.name, place: "webhooks" },
          live: `/admin/webhooks/${webhook.id}/events/${event.id}/live`,
        },
        h(EventPage, { webhook, event, attempts, payload, csrf: visit.csrf }),
      );
    })
    .get("/live", async ({ visit, params: { id, eventId } }) => {
      await getWebhookEvent(app, visit.teamId, id, eventId);
      return visit.live(async () => ({
        "event-standing": h(EventStanding, await standingOf(visit.teamId, id, eventId)),
      }));
    })
    .post("/replay", async ({ visit, params: { id, eventId } }) => {
      const { endpoint } = await getWebhook(app, visit.teamId, id);
      visit.act(`Had ${endpoint} told an event again`);
      await replayEvent(app, visit.teamId, id, eventId);
      return visit.done(`/admin/webhooks/${id}/events/${eventId}`, "It is being told again.");
    });
};

function toText(payload: unknown): string | undefined {
  if (payload === null) return undefined;
  const text = JSON.stringify(payload, null, 2);
  return text.length > longestPayload ? `${text.slice(0, longestPayload)}\n… and more` : text;
}
