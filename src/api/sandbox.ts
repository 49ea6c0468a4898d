import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { injectMail } from "../sandbox/inject.ts";
import { clearSandbox, getSandboxMessage, getSandboxMessages, type ReadMessage } from "../sandbox/read.ts";
import { asCaller } from "./acting.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const fields = {
  id: t.String({ format: "uuid" }),
  email_id: t.Union([t.String({ format: "uuid" }), t.Null()]),
  mail_from: t.String(),
  to: t.Array(t.String()),
  from: t.String(),
  subject: t.String(),
  tls: t.Boolean(),
  dkim: t.Array(t.Object({}, { additionalProperties: true })),
  created_at: t.String({ format: "date-time" }),
};
const item = t.Object(fields);
const orNull = t.Union([t.String(), t.Null()]);
const message = t.Object({
  object: t.Literal("sandbox_message"),
  ...fields,
  html: orNull,
  text: orNull,
  headers: t.Array(t.String()),
  attachments: t.Array(t.Object({ filename: orNull, content_type: t.String(), size: t.Integer() })),
  raw: t.String({ description: "The message as it came, a character for each byte." }),
});

/** What the sandbox "delivered"; these routes are there in sandbox mode only. */
export const sandboxRoutes = (app: App) =>
  new Elysia({ prefix: "/sandbox" }).use(messageRoutes(app)).use(inboundRoutes(app));

const inboundMail = t.Object({
  from: t.String(),
  to: t.String({ description: "An address of a domain of the team that receives." }),
  subject: t.Optional(t.String()),
  html: t.Optional(t.String()),
  text: t.Optional(t.String()),
});

/** Mail that nobody sends. */
const inboundRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).post(
    "/inbound",
    async ({ caller, body }) => {
      const { subject = "", ...mail } = body;
      const { isDropped } = await injectMail(app, caller.teamId, { ...mail, subject });
      return { object: "sandbox_inbound" as const, dropped: isDropped };
    },
    {
      parse: "json",
      body: shown(inboundMail),
      detail: {
        summary: "Receive a message as if a stranger had sent it",
        tags: ["Sandbox"],
        responses: {
          200: answer(
            "Taken; it is read a moment later",
            t.Object({
              object: t.Literal("sandbox_inbound"),
              dropped: t.Boolean({ description: "Whether a route says that nothing of it is kept." }),
            }),
          ),
          ...bodyErrorAnswers,
        },
      },
    },
  );

const messageRoutes = (app: App) =>
  new Elysia({ prefix: "/messages" })
    .use(authenticated(app, "full_access"))
    .delete(
      "",
      async ({ caller }) => ({ object: "list" as const, deleted: await clearSandbox(app, caller.teamId) }),
      {
        detail: {
          summary: "Remove all that the sandbox took",
          tags: ["Sandbox"],
          responses: {
            200: answer(
              "How many messages were removed",
              t.Object({ object: t.Literal("list"), deleted: t.Integer() }),
            ),
            ...errorAnswers,
          },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await getSandboxMessages(app, caller.teamId, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List what the sandbox took",
          tags: ["Sandbox"],
          responses: { 200: answer("A page, newest first", listOf(item)), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) =>
        // An invitation is not for everybody to read.
        toAnswer(await asCaller(app, caller, () => getSandboxMessage(app, caller.teamId, params.id))),
      {
        detail: {
          summary: "Get a message the sandbox took",
          tags: ["Sandbox"],
          responses: { 200: answer("The message, as its recipient would see it", message), ...errorAnswers },
        },
      },
    );

function toItem({ id, emailId, mailFrom, rcptTo, parsed, isEncrypted, dkim, createdAt }: ReadMessage) {
  return {
    id,
    email_id: emailId,
    mail_from: mailFrom,
    to: [rcptTo],
    from: parsed.from?.text ?? "",
    subject: parsed.subject ?? "",
    tls: isEncrypted,
    dkim,
    created_at: createdAt.toISOString(),
  };
}

function toAnswer(read: ReadMessage) {
  const { parsed, raw } = read;
  return {
    object: "sandbox_message" as const,
    ...toItem(read),
    html: parsed.html || null,
    text: parsed.text ?? null,
    headers: parsed.headerLines.map(({ line }) => line),
    attachments: parsed.attachments.map(({ filename, contentType, size }) => ({
      filename: filename ?? null,
      content_type: contentType,
      size,
    })),
    raw: raw.toString("latin1"),
  };
}
