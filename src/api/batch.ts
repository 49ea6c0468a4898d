import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import type { EmailDraft } from "../emails/draft.ts";
import {
  type BatchAnswer,
  type BatchValidation,
  maxBatchRecipients,
  sendBatch,
} from "../emails/send-batch.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { readEmailRequest } from "./email-request.ts";
import { sendAnswer, sendRequest } from "./email-schemas.ts";
import { idempotencyHeader, onceOnly } from "./idempotency.ts";
import { answer, bodyErrorAnswers, requestBody } from "./openapi.ts";

const mostEmails = 100;

const batchRequest = t.Array(sendRequest, {
  minItems: 1,
  maxItems: mostEmails,
  description: `At most ${maxBatchRecipients} recipients in all: the \`to\`, \`cc\` and \`bcc\` of every email, an address that comes twice in one counted once. An object with the list as its \`emails\` is taken too.`,
});

const batchAnswer = t.Object({
  data: t.Array(sendAnswer, { description: "Of the emails that were accepted, in their order." }),
  errors: t.Optional(
    t.Array(t.Object({ index: t.Integer(), message: t.String() }), {
      description: "Of those that were refused; with permissive validation only.",
    }),
  ),
});

const validationHeader = {
  name: "x-batch-validation",
  in: "header" as const,
  required: false,
  description:
    "`strict`: one email that is refused keeps all of them from being sent. `permissive`: the others are sent.",
  schema: { type: "string" as const, enum: ["strict", "permissive"], default: "strict" },
};

export const batchRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "sending_access")).post(
    "/batch",
    async ({ caller, body, request }) => {
      const validation = readValidation(request);
      const once = onceOnly(request, "POST /emails/batch", validation, body);
      const items = readBatch(body).map(readItem);
      return toAnswer(await sendBatch(app, caller, items, validation, once), validation);
    },
    {
      detail: {
        summary: "Send up to 100 emails at once",
        tags: ["Emails"],
        parameters: [idempotencyHeader, validationHeader],
        requestBody: requestBody(batchRequest),
        responses: { 200: answer("Accepted, and on disk", batchAnswer), ...bodyErrorAnswers },
      },
    },
  );

function readValidation(request: Request): BatchValidation {
  const given = request.headers.get("x-batch-validation") ?? "strict";
  if (given !== "strict" && given !== "permissive") {
    throw new Refusal(
      "validation_error",
      "The `x-batch-validation` header must be `strict` or `permissive`; without it a batch is strict.",
    );
  }
  return given;
}

/** A bare list, or an object with the list as its `emails`. */
function readBatch(body: unknown): unknown[] {
  const emails = Array.isArray(body) ? body : (body as { emails?: unknown } | null)?.emails;
  if (!Array.isArray(emails)) {
    throw new Refusal("validation_error", "The request body must be a JSON array of emails.");
  }
  if (emails.length < 1 || emails.length > mostEmails) {
    throw new Refusal(
      "validation_error",
      `A batch must have 1 to ${mostEmails} emails, and this one has ${emails.length}.`,
    );
  }
  return emails;
}

function readItem(item: unknown): EmailDraft | Refusal {
  try {
    return readEmailRequest(item);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function toAnswer({ ids, errors }: BatchAnswer, validation: BatchValidation) {
  const data = ids.map((id) => ({ id }));
  return validation === "permissive" ? { data, errors } : { data };
}
