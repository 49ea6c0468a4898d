import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import {
  attachmentsRemovedAt,
  getAttachment,
  getAttachments,
  type LinkedAttachment,
} from "../emails/attachments.ts";
import { authenticated } from "./auth.ts";
import { contentRemovedAt } from "./email-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers, listOf } from "./openapi.ts";

const orNull = <S extends Parameters<typeof t.Union>[0][number]>(schema: S) => t.Union([schema, t.Null()]);

const item = {
  id: t.String({ format: "uuid" }),
  filename: orNull(t.String()),
  size: t.Integer({ description: "In bytes." }),
  content_type: t.String(),
  content_disposition: t.Union([t.Literal("inline"), t.Literal("attachment")]),
  content_id: orNull(t.String()),
  download_url: t.String({ format: "uri", description: "Needs no key, until `expires_at`." }),
  expires_at: t.String({ format: "date-time" }),
};

const attachmentList = t.Object({
  ...listOf(t.Object(item)).properties,
  content_removed_at: contentRemovedAt,
});

/** What was attached to an email that was sent. */
export const emailAttachmentRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" })
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/attachments",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const rows = await getAttachments(app, caller.teamId, params.id, page);
        const removedAt =
          rows.length === 0 ? await attachmentsRemovedAt(app, caller.teamId, params.id) : undefined;
        return {
          ...listAnswer(rows, page, toItem),
          ...(removedAt && { content_removed_at: removedAt.toISOString() }),
        };
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the attachments of an email",
          tags: ["Emails"],
          responses: {
            200: answer("A page, in the order they were given", attachmentList),
            ...errorAnswers,
          },
        },
      },
    )
    .get(
      "/:id/attachments/:attachmentId",
      async ({ caller, params }) => {
        const attachment = await getAttachment(app, caller.teamId, params.id, params.attachmentId);
        return { object: "attachment" as const, ...toItem(attachment) };
      },
      {
        detail: {
          summary: "Get an attachment of an email",
          tags: ["Emails"],
          responses: {
            200: answer("The attachment", t.Object({ object: t.Literal("attachment"), ...item })),
            ...errorAnswers,
          },
        },
      },
    );

function toItem(attachment: LinkedAttachment) {
  return {
    id: attachment.id,
    filename: attachment.filename,
    size: attachment.size,
    content_type: attachment.contentType,
    content_disposition: attachment.contentId ? ("inline" as const) : ("attachment" as const),
    content_id: attachment.contentId,
    download_url: attachment.downloadUrl,
    expires_at: attachment.expiresAt.toISOString(),
  };
}
