import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { previewBroadcast, testBroadcast } from "../broadcasts/preview.ts";
import { reachOf } from "../broadcasts/reach.ts";
import { getBroadcast } from "../broadcasts/read.ts";
import { authenticated } from "./auth.ts";
import { audienceAnswer, previewAnswer, previewRequest, testRequest, toFields } from "./broadcast-schemas.ts";
import { sendAnswer } from "./email-schemas.ts";
import { shown } from "./example.ts";
import { idempotencyHeader, onceOnly } from "./idempotency.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

const tags = ["Broadcasts"];

/** To see what a broadcast becomes, and for whom, before anybody gets it. */
export const broadcastTrialRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/audience",
      async ({ caller, params }) => {
        const broadcast = await getBroadcast(app, caller.teamId, params.id);
        const { recipients, contacts, unsubscribed, notInTopic, suppressed } = await reachOf(app, broadcast);
        return {
          object: "broadcast_audience" as const,
          ...{ recipients, contacts, unsubscribed, not_in_topic: notInTopic, suppressed },
        };
      },
      {
        detail: {
          summary: "Count whom a broadcast would go to now, and who is left out",
          tags,
          responses: { 200: answer("In contacts", audienceAnswer), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/preview",
      async ({ caller, params, body }) => {
        const edit = body.content ? toFields(body.content) : {};
        const made = await previewBroadcast(app, caller.teamId, params.id, edit, { contact: body.contact });
        return {
          object: "broadcast_preview" as const,
          id: params.id.toLowerCase(),
          contact_id: made.contact?.id ?? null,
          ...{ from: made.from, subject: made.subject },
          reply_to: made.replyTo.length > 0 ? made.replyTo : null,
          ...{ html: made.html, text: made.text, has_unsubscribe_link: made.hasLeavingLink },
        };
      },
      {
        parse: "json",
        body: shown(previewRequest),
        detail: {
          summary: "Show what a contact would get of a broadcast",
          description: "Nothing is sent.",
          tags,
          responses: { 200: answer("As the contact would see it", previewAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/:id/test",
      async ({ caller, params, body, request }) => {
        const to = typeof body.to === "string" ? [body.to] : body.to;
        const once = onceOnly(request, "POST /broadcasts/:id/test", params.id, body);
        return testBroadcast(app, caller, params.id, { to, contact: body.contact }, once);
      },
      {
        parse: "json",
        body: shown(testRequest),
        detail: {
          summary: "Send one copy of a broadcast, as a contact would get it, to somebody who looks at it",
          description: "An email like any other; the broadcast stays as it is.",
          tags,
          parameters: [idempotencyHeader],
          responses: { 200: answer("Accepted, and on disk", sendAnswer), ...bodyErrorAnswers },
        },
      },
    );
