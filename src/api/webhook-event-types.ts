import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { eventCatalogue } from "../webhooks/catalogue.ts";
import { examplePayload } from "../webhooks/examples.ts";
import { authenticated } from "./auth.ts";
import { answer, errorAnswers } from "./openapi.ts";
import { eventTypeList } from "./webhook-schemas.ts";

/** What webhooks may hear of. */
export const webhookEventTypeRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get(
    "/event-types",
    () => ({
      object: "list" as const,
      has_more: false,
      data: eventCatalogue.flatMap(({ name: group, events }) =>
        events.map(({ name, meaning }) => ({
          object: "webhook_event_type" as const,
          ...{ name, group, description: meaning, example: examplePayload(name) },
        })),
      ),
    }),
    {
      detail: {
        summary: "List the events that webhooks may hear of",
        tags: ["Webhooks"],
        responses: { 200: answer("All of them, in groups", eventTypeList), ...errorAnswers },
      },
    },
  );
