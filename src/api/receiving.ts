import { Elysia } from "elysia";
import type { App } from "../app.ts";
import {
  findReceivedBy,
  getReceivedEmail,
  getReceivedEmails,
  type ReceivedEmail,
  type ReceivedWhole,
  removeReceived,
  requireReceived,
} from "../inbound/received.ts";
import { getReceivedAttachment, getReceivedAttachments } from "../inbound/received-files.ts";
import type { FileLink, LinkedInboundAttachment } from "../inbound/received-links.ts";
import type { InboundAttachment, InboundEmail } from "../inbound/schema.ts";
import type { ToldEndpoint } from "../webhooks/event-store.ts";
import { getToldOfReceived } from "../webhooks/read.ts";
import { asCaller } from "./acting.ts";
import { authenticated } from "./auth.ts";
import { listAnswer, pageQuery, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";
import {
  receivedAnswer,
  receivedFileAnswer,
  receivedFileList,
  receivedList,
  receivedQuery,
  removedAnswer,
  toldList,
  wholeQuery,
} from "./receiving-schemas.ts";

export const receivingRoutes = (app: App) =>
  new Elysia({ prefix: "/emails/receiving" }).use(emailRoutes(app)).use(attachmentRoutes(app));

const tags = ["Receiving"];

const emailRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "",
      async ({ caller, query }) => {
        const { kind = "email", search } = query;
        if (search !== undefined) {
          const page = searchPage(readPage(query, "paged"));
          const { emails, next } = await findReceivedBy(app, caller.teamId, kind, search, page);
          return searchAnswer(emails, next, toItem);
        }
        const page = readPage(query, "long");
        const emails = await getReceivedEmails(app, caller.teamId, kind, page);
        return listAnswer(emails, page, toItem);
      },
      {
        query: receivedQuery,
        detail: {
          summary: "List and search received emails",
          description: `With \`search\` it is ${searchNote}`,
          tags,
          responses: {
            200: answer("Newest first; without a `limit` the newest 500", receivedList),
            ...errorAnswers,
          },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params, query }) => {
        const { html_format: format = "data_uri" } = query;
        const read = () => getReceivedEmail(app, caller.teamId, params.id, format);
        return toAnswer(await asCaller(app, caller, read));
      },
      {
        query: wholeQuery,
        detail: {
          summary: "Get a received email",
          tags,
          responses: { 200: answer("The email", receivedAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/webhook-events",
      async ({ caller, params }) => {
        const id = await requireReceived(app, caller.teamId, params.id);
        const told = await getToldOfReceived(app, caller.teamId, id);
        return { object: "list" as const, has_more: false, data: told.map(toTold) };
      },
      {
        detail: {
          summary: "List what webhooks were told of a received email",
          description: "`GET /webhooks/{webhook_id}/events/{id}` says more of each.",
          tags,
          responses: { 200: answer("One for each webhook that hears of it", toldList), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => ({
        object: "email" as const,
        id: await removeReceived(app, caller.teamId, params.id),
        deleted: true as const,
      }),
      {
        detail: {
          summary: "Delete a received email",
          tags,
          responses: { 200: answer("Deleted, with its attachments", removedAnswer), ...errorAnswers },
        },
      },
    );

const attachmentRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/attachments",
      async ({ caller, params, query }) => {
        const page = readPage(query, "unpaged");
        const list = () => getReceivedAttachments(app, caller.teamId, params.id, page);
        const rows = await asCaller(app, caller, list);
        return listAnswer(rows, page, toLinkedFile);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the attachments of a received email",
          tags,
          responses: { 200: answer("In the message's order", receivedFileList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/attachments/:attachmentId",
      async ({ caller, params }) => {
        const { id, attachmentId } = params;
        const read = () => getReceivedAttachment(app, caller.teamId, id, attachmentId);
        const row = await asCaller(app, caller, read);
        return { object: "attachment" as const, ...toLinkedFile(row) };
      },
      {
        detail: {
          summary: "Get an attachment of a received email",
          tags,
          responses: { 200: answer("The attachment", receivedFileAnswer), ...errorAnswers },
        },
      },
    );

function toItem(email: ReceivedEmail) {
  return {
    id: email.id,
    to: email.recipients,
    from: email.sender,
    created_at: email.createdAt.toISOString(),
    subject: email.subject,
    bcc: email.bcc,
    cc: email.cc,
    reply_to: email.replyTo,
    received_for: email.receivedFor,
    message_id: email.messageId ?? "",
    attachments: email.attachments.map(toFile),
  };
}

function toAnswer(email: ReceivedWhole) {
  return {
    object: "email" as const,
    ...toItem(email),
    html: email.html,
    html_format: email.htmlFormat,
    text: email.text,
    headers: email.headers,
    raw: toLink(email.raw),
    kind: email.kind,
    mail_from: email.mailFrom,
    remote_address: email.remoteAddress,
    client_name: email.clientName,
    tls: email.tls,
    delivery_id: email.deliveryId,
    verdicts: toVerdicts(email),
    problem: email.problem,
    size: email.size,
  };
}

const toTold = ({ webhookId, endpoint, id, name, status, tries }: ToldEndpoint) => ({
  object: "webhook_event" as const,
  ...{ id, webhook_id: webhookId, endpoint, type: name, status, attempts: tries },
});

function toVerdicts({ verdicts }: Pick<InboundEmail, "verdicts">) {
  if (!verdicts) return null;
  const { spf, dkim, dmarc, arc } = verdicts;
  return {
    ...{ spf, dmarc, arc },
    dkim: dkim.map(({ isAligned, ...signature }) => ({ ...signature, is_aligned: isAligned })),
  };
}

function toFile(attachment: InboundAttachment) {
  return {
    id: attachment.id,
    filename: attachment.filename,
    size: attachment.size,
    content_type: attachment.contentType,
    content_disposition: attachment.contentDisposition,
    content_id: attachment.contentId,
  };
}

const toLink = ({ downloadUrl, expiresAt }: FileLink) => ({
  download_url: downloadUrl,
  expires_at: expiresAt.toISOString(),
});

const toLinkedFile = (row: LinkedInboundAttachment) => ({ ...toFile(row), ...toLink(row) });
