import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { resendEmail } from "../emails/resend.ts";
import { readSchedule } from "../emails/schedule.ts";
import { cancelEmail, rescheduleEmail } from "../emails/scheduled.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { idempotencyHeader, onceOnly } from "./idempotency.ts";
import { answer, bodyErrorAnswers, errorAnswers, requestBody } from "./openapi.ts";

const rescheduleRequest = t.Object({
  scheduled_at: t.String({
    description: "ISO 8601, or in words; at most 30 days ahead. A time that is over means now.",
    examples: ["2026-08-05T11:52:01Z", "in 1 hour", "tomorrow at 9am"],
  }),
});

const changedAnswer = t.Object({ object: t.Literal("email"), id: t.String({ format: "uuid" }) });

/** What one does with an email before its time. */
export const emailChangeRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" })
    .use(authenticated(app, "full_access"))
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        const at = readSchedule(readTime(body), app.now());
        return toAnswer(await rescheduleEmail(app, caller.teamId, params.id, at));
      },
      {
        detail: {
          summary: "Reschedule an email",
          tags: ["Emails"],
          requestBody: requestBody(rescheduleRequest),
          responses: { 200: answer("It waits for its new time", changedAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/:id/cancel",
      async ({ caller, params }) => toAnswer(await cancelEmail(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Cancel a scheduled email",
          tags: ["Emails"],
          responses: { 200: answer("It won't be sent", changedAnswer), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/resend",
      async ({ caller, params, request }) => {
        const once = onceOnly(request, "POST /emails/:id/resend", params.id);
        return toAnswer(await resendEmail(app, caller, params.id, once));
      },
      {
        detail: {
          summary: "Send an email again",
          description: "As a new email with the same content, to the same recipients, at once.",
          tags: ["Emails"],
          parameters: [idempotencyHeader],
          responses: { 200: answer("The new email, accepted and on disk", changedAnswer), ...errorAnswers },
        },
      },
    );

function readTime(body: unknown): string {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refusal("validation_error", "The request body must be a JSON object.");
  }
  const { scheduled_at: time } = body as { scheduled_at?: unknown };
  if (time === undefined || time === null) {
    throw new Refusal("missing_required_field", "Missing `scheduled_at` field.");
  }
  if (typeof time !== "string") {
    throw new Refusal("validation_error", "Invalid `scheduled_at` field. It must be a string.");
  }
  return time;
}

const toAnswer = ({ id }: { id: string }) => ({ object: "email" as const, id });
