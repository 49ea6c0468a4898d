import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getMessage } from "../delivery/composed.ts";
import { getDeliveries } from "../delivery/read.ts";
import { getEmail, requireEmail } from "../emails/read.ts";
import type { EmailWithContent } from "../emails/store.ts";
import { listEventsOf } from "../events/read.ts";
import { type Event, eventTypes } from "../events/schema.ts";
import { authenticated } from "./auth.ts";
import { deliveryAnswer, oneOf, orNull, text, time, toDelivery } from "./delivery-answer.ts";
import { emailOriginAnswer } from "./email-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers, listOf } from "./openapi.ts";

const eventAnswer = t.Object({
  object: t.Literal("event"),
  id: t.String({ format: "uuid" }),
  type: oneOf(...eventTypes),
  delivery_id: orNull(t.String({ format: "uuid" })),
  recipient: text,
  data: t.Object({}, { additionalProperties: true, description: "What the event tells, by its type." }),
  created_at: time,
});

/** What became of an email, recipient by recipient. */
export const deliveryRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(listRoutes(app)).use(messageRoutes(app));

const listRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/origin",
      async ({ caller, params }) => toOrigin(await getEmail(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get where an email comes from",
          tags: ["Emails"],
          responses: { 200: answer("What it was sent with, and from", emailOriginAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/deliveries",
      async ({ caller, params }) => ({
        object: "list" as const,
        has_more: false,
        data: (await getDeliveries(app, caller.teamId, params.id)).map(toDelivery),
      }),
      {
        detail: {
          summary: "Explain the deliveries of an email",
          tags: ["Emails"],
          responses: {
            200: answer("One for each recipient, all of them", listOf(deliveryAnswer)),
            ...errorAnswers,
          },
        },
      },
    )
    .get(
      "/:id/events",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const id = await requireEmail(app, caller.teamId, params.id);
        return listAnswer(await listEventsOf(app.db, caller.teamId, id, page), page, toEvent);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List what happened to an email",
          tags: ["Emails"],
          responses: { 200: answer("A page, newest first", listOf(eventAnswer)), ...errorAnswers },
        },
      },
    );

const toOrigin = ({ id, domainId, apiKeyId, broadcastId, merge }: EmailWithContent) => ({
  object: "email_origin" as const,
  ...{ id, domain_id: domainId, api_key_id: apiKeyId, broadcast_id: broadcastId },
  from_template: merge !== null,
});

const messageRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get(
    "/:id/deliveries/:deliveryId/message",
    async ({ caller, params }) => {
      const bytes = await getMessage(app, caller.teamId, params.id, params.deliveryId);
      return new Response(new Uint8Array(bytes), {
        headers: { "content-type": "message/rfc822", "x-content-type-options": "nosniff" },
      });
    },
    {
      detail: {
        summary: "Get the message of a delivery",
        description: "As hosts get it (RFC 5322), composed and signed anew.",
        tags: ["Emails"],
        responses: {
          200: {
            description: "The message",
            content: { "message/rfc822": { schema: t.String({ format: "binary" }) } },
          },
          ...errorAnswers,
        },
      },
    },
  );

function toEvent({ id, type, deliveryId, recipient, data, createdAt }: Event) {
  return {
    ...{ object: "event" as const, id, type, delivery_id: deliveryId, recipient, data },
    created_at: createdAt.toISOString(),
  };
}
