import { Elysia, type Static } from "elysia";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { type WebhookStanding, withStanding } from "../webhooks/read.ts";
import { sendTestEvent } from "../webhooks/send-test.ts";
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  getWebhooks,
  type NewWebhook,
  previousSecretUntil,
  removeWebhook,
  rotateSecret,
  secretOf,
} from "../webhooks/service.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { webhookEventTypeRoutes } from "./webhook-event-types.ts";
import { webhookEventRoutes } from "./webhook-events.ts";
import {
  change,
  creation,
  eventReference,
  reference,
  removed,
  webhookAnswer,
  webhookList,
  withSecret,
} from "./webhook-schemas.ts";

const tags = ["Webhooks"];

export const webhookRoutes = (app: App) =>
  new Elysia({ prefix: "/webhooks" })
    .use(webhookEventRoutes(app))
    .use(webhookEventTypeRoutes(app))
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const { endpoint, ...given } = toFields(body);
        if (endpoint === undefined) {
          throw new Refusal("missing_required_field", "Missing `endpoint` field.");
        }
        const { webhook, secret } = await createWebhook(app, caller.teamId, {
          ...given,
          endpoint,
          events: body.events,
        });
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return { object: "webhook", id: webhook.id, signing_secret: secret };
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Add a webhook",
          tags,
          responses: {
            201: answer("The webhook, with the secret that signs", withSecret),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        const rows = await withStanding(app, await getWebhooks(app, caller.teamId, page));
        return listAnswer(rows, page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List webhooks",
          tags,
          responses: { 200: answer("A page, newest first", webhookList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params, set }) => {
        const webhook = await getWebhook(app, caller.teamId, params.id);
        set.headers["cache-control"] = "no-store";
        // With it one forges calls to the endpoint: whoever may only look does not see it, here as in the admin.
        const secret = caller.role === "viewer" ? null : secretOf(app, webhook);
        const [standing] = await withStanding(app, [webhook]);
        return {
          object: "webhook",
          ...toItem(standing!),
          signing_secret: secret,
          previous_secret_until: previousSecretUntil(app, webhook)?.toISOString() ?? null,
        };
      },
      {
        detail: {
          summary: "Get a webhook",
          tags,
          responses: { 200: answer("The webhook", webhookAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        const { id } = await changeWebhook(app, caller.teamId, params.id, toFields(body));
        return { object: "webhook", id };
      },
      {
        parse: "json",
        body: shown(change),
        detail: {
          summary: "Change a webhook",
          description:
            "What is absent stays. What waits for a webhook that is disabled fails; it can be replayed.",
          tags,
          responses: { 200: answer("Changed", reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        const id = await removeWebhook(app, caller.teamId, params.id);
        return { object: "webhook", id, deleted: true };
      },
      {
        detail: {
          summary: "Delete a webhook, with what it was told and what it was still to be told",
          tags,
          responses: { 200: answer("Deleted", removed), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/signing-secret/rotate",
      async ({ caller, params, set }) => {
        const { id, secret } = await rotateSecret(app, caller.teamId, params.id);
        set.headers["cache-control"] = "no-store";
        return { object: "webhook", id, signing_secret: secret };
      },
      {
        detail: {
          summary: "Give a webhook a new secret",
          description: "The secret before signs too for 24 hours: calls then carry two signatures.",
          tags,
          responses: { 200: answer("The new secret", withSecret), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/test",
      async ({ caller, params }) => ({
        object: "webhook_event",
        id: await sendTestEvent(app, caller.teamId, params.id),
      }),
      {
        detail: {
          summary: "Send a webhook a test event",
          description: "An event of the type `webhook.test`, signed and tried again like any other.",
          tags,
          responses: {
            200: answer("The event; its attempts tell what came of it", eventReference),
            ...errorAnswers,
          },
        },
      },
    );

/** With the names that the original MailIt's clients give. */
function toFields(body: Static<typeof change>): Partial<NewWebhook> {
  const { endpoint = body.url, events, include_body: includeBody, active } = body;
  const status = body.status ?? (active === undefined ? undefined : active ? "enabled" : "disabled");
  return { endpoint, events, status, includeBody };
}

function toItem({ webhook, lastTakenAt }: WebhookStanding) {
  const { id, createdAt, status, endpoint, events, includeBody, disabledReason } = webhook;
  return {
    id,
    created_at: createdAt.toISOString(),
    status,
    endpoint,
    events,
    include_body: includeBody,
    disabled_reason: disabledReason,
    last_taken_at: lastTakenAt?.toISOString() ?? null,
    last_failure_at: webhook.lastFailureAt?.toISOString() ?? null,
    failing_since: webhook.failingSince?.toISOString() ?? null,
  };
}
