import { Elysia } from "elysia";
import { h } from "preact";
import { EventTypesPage } from "../../views/webhook-event-types.tsx";
import type { App } from "../app.ts";
import { eventCatalogue } from "../webhooks/catalogue.ts";
import { examplePayload } from "../webhooks/examples.ts";
import { signedIn } from "./visit.ts";

/** What webhooks may hear of, for whoever writes a receiver. */
export const webhookEventTypePages = (app: App) =>
  new Elysia({ prefix: "/webhooks/event-types" }).use(signedIn(app)).get("", ({ visit }) => {
    const groups = eventCatalogue.map(({ name, events }) => ({
      name,
      events: events.map((event) => ({
        ...event,
        example: JSON.stringify(examplePayload(event.name), null, 2),
      })),
    }));
    return visit.page({ title: "Events", place: "webhooks" }, h(EventTypesPage, { groups }));
  });
