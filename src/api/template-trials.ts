import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { sendEmail } from "../emails/send.ts";
import { previewTemplate } from "../templates/preview.ts";
import { authenticated } from "./auth.ts";
import { sendAnswer } from "./email-schemas.ts";
import { shown } from "./example.ts";
import { idempotencyHeader, onceOnly } from "./idempotency.ts";
import { answer, bodyErrorAnswers } from "./openapi.ts";
import { readVariables } from "./template-field.ts";
import { toInput } from "./template-input.ts";
import { preview, previewRequest, testRequest } from "./template-schemas.ts";

const tags = ["Templates"];

/** To see what becomes of a template before anybody gets it. */
export const templateTrialRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/:id/preview",
      async ({ caller, params, body }) => {
        const { version_id: versionId, variables, content } = body;
        const made = await previewTemplate(app, caller.teamId, params.id, {
          variables: readVariables(variables ?? {}, "variables"),
          versionId,
          edit: content && toInput(content),
        });
        return {
          object: "template_preview" as const,
          id: made.templateId,
          version_id: made.versionId,
          from: made.from ?? null,
          subject: made.subject ?? null,
          reply_to: made.replyTo.length > 0 ? made.replyTo : null,
          html: made.html,
          text: made.text,
          missing_variables: made.missing,
        };
      },
      {
        parse: "json",
        body: shown(previewRequest),
        detail: {
          summary: "Show what becomes of a template",
          description: "Nothing is sent; what is not published yet is shown.",
          tags,
          responses: { 200: answer("As its recipients would see it", preview), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/:id/test",
      async ({ caller, params, body, request }) => {
        const { from, subject, variables } = body;
        const to = typeof body.to === "string" ? [body.to] : body.to;
        const draft = {
          ...{ from, subject, to, cc: [], bcc: [], replyTo: [], headers: {}, tags: [], attachments: [] },
          template: { id: params.id, variables: readVariables(variables ?? {}, "variables"), isTest: true },
        };
        return sendEmail(app, caller, draft, onceOnly(request, "POST /templates/:id/test", params.id, body));
      },
      {
        parse: "json",
        body: shown(testRequest),
        detail: {
          summary: "Send a template as it is now, published or not",
          description: "An email like any other, to be looked at in a mail program.",
          tags,
          parameters: [idempotencyHeader],
          responses: { 200: answer("Accepted, and on disk", sendAnswer), ...bodyErrorAnswers },
        },
      },
    );
