import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import {
  getNumberedPage,
  getReceivedEmail,
  type ReceivedEmail,
  type ReceivedWhole,
} from "../inbound/received.ts";
import { asCaller } from "./acting.ts";
import { authenticated } from "./auth.ts";
import { numberedAnswer, numberFields, readNumbers } from "./numbered.ts";
import { answer, errorAnswers } from "./openapi.ts";

const numberedQuery = t.Object(numberFields, { additionalProperties: true });

const text = Type.String();
const summary = {
  id: Type.String({ format: "uuid" }),
  team_id: Type.String({ format: "uuid" }),
  domain_id: Type.Optional(Type.String({ format: "uuid" })),
  from: text,
  to: Type.Array(text),
  cc: Type.Optional(Type.Array(text)),
  subject: Type.Optional(text),
  attachments: Type.Array(
    Type.Object({ filename: text, content_type: text, size: Type.Integer({ description: "In bytes." }) }),
  ),
  processed: Type.Literal(true),
  created_at: Type.String({ format: "date-time" }),
};
const list = Type.Object({
  data: Type.Array(Type.Object(summary)),
  total: Type.Integer({ description: "Counted to 10,000." }),
  page: Type.Integer(),
  per_page: Type.Integer(),
  total_pages: Type.Integer(),
  has_more: Type.Boolean(),
});
const whole = Type.Object({
  ...summary,
  html_body: Type.Optional(Type.String({ examples: ["<p>It works.</p>"] })),
  text_body: Type.Optional(Type.String({ examples: ["It works."] })),
  headers: Type.Record(text, text, { examples: [{ "mime-version": "1.0" }] }),
});

/** Received mail as the original MailIt showed it, for its clients; `receiving.ts` is the whole. */
export const inboundEmailRoutes = (app: App) =>
  new Elysia({ prefix: "/inbound/emails" })
    .use(authenticated(app, "full_access"))
    .get(
      "",
      async ({ caller, query }) => {
        const numbers = readNumbers(query);
        const { emails, total } = await getNumberedPage(app, caller.teamId, numbers);
        return numberedAnswer(emails, total, numbers, toItem);
      },
      {
        query: numberedQuery,
        detail: {
          summary: "List received emails page by page",
          description:
            "As the original MailIt had it; `GET /emails/receiving` tells more, and goes further back.",
          tags: ["Receiving"],
          responses: { 200: answer("A page, newest first, without bodies", list), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) =>
        toAnswer(await asCaller(app, caller, () => getReceivedEmail(app, caller.teamId, params.id, "cid"))),
      {
        detail: {
          summary: "Get a received email in the original MailIt's form",
          tags: ["Receiving"],
          responses: { 200: answer("The email", whole), ...errorAnswers },
        },
      },
    );

function toItem(email: ReceivedEmail) {
  return {
    id: email.id,
    team_id: email.teamId,
    ...(email.domainId !== null && { domain_id: email.domainId }),
    from: email.sender,
    to: email.recipients,
    ...(email.cc.length > 0 && { cc: email.cc }),
    ...(email.subject !== "" && { subject: email.subject }),
    attachments: email.attachments.map(({ filename, contentType, size }) => ({
      filename: filename ?? "",
      content_type: contentType,
      size,
    })),
    processed: true as const,
    created_at: email.createdAt.toISOString(),
  };
}

function toAnswer(email: ReceivedWhole) {
  return {
    ...toItem(email),
    ...(email.html !== null && { html_body: email.html }),
    ...(email.text !== null && { text_body: email.text }),
    headers: email.headers,
  };
}
