import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getSandboxMessage, getSandboxMessages, type ReadMessage } from "../sandbox/read.ts";
import { authenticated } from "./auth.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";

/** What the sandbox "delivered"; these routes are there in sandbox mode only. */
export const sandboxRoutes = (app: App) =>
  new Elysia({ prefix: "/sandbox/messages" })
    .use(authenticated(app, "full_access"))
    .get(
      "/",
      async ({ caller, query }) => {
        const page = readPage(query);
        return listAnswer(await getSandboxMessages(app, caller.teamId, page), page, toItem);
      },
      { query: pageQuery, detail: { summary: "List what the sandbox took", tags: ["Sandbox"] } },
    )
    .get(
      "/:id",
      async ({ caller, params }) => toAnswer(await getSandboxMessage(app, caller.teamId, params.id)),
      {
        detail: { summary: "Get a message the sandbox took", tags: ["Sandbox"] },
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

function toAnswer(message: ReadMessage) {
  const { parsed, raw } = message;
  return {
    object: "sandbox_message" as const,
    ...toItem(message),
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
