import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { findEmailsPlace, getEmail, getEmails } from "../emails/read.ts";
import { searchEmails } from "../emails/search.ts";
import type { FoundEmail } from "../emails/search-copies.ts";
import { sendEmail } from "../emails/send.ts";
import type { EmailWithContent, ListedEmail } from "../emails/store.ts";
import { authenticated } from "./auth.ts";
import { batchRoutes } from "./batch.ts";
import { readEmailRequest } from "./email-request.ts";
import { emailAnswer, emailList, sendAnswer, sendRequest } from "./email-schemas.ts";
import { emailSearchQuery, readEmailSearch } from "./email-search.ts";
import { idempotencyHeader, onceOnly } from "./idempotency.ts";
import { listAnswer, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { askedNumbers, numberedList, numberedNote, searchHasNoNumbers } from "./numbered.ts";
import { answer, bodyErrorAnswers, errorAnswers, requestBody } from "./openapi.ts";

export const emailRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(sendingRoutes(app)).use(batchRoutes(app)).use(readingRoutes(app));

const sendingRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "sending_access")).post(
    "",
    async ({ caller, body, request }) => {
      const once = onceOnly(request, "POST /emails", body);
      const { id } = await sendEmail(app, caller, readEmailRequest(body), once);
      return { id };
    },
    {
      detail: {
        summary: "Send an email",
        tags: ["Emails"],
        parameters: [idempotencyHeader],
        requestBody: requestBody(sendRequest),
        responses: { 200: answer("Accepted, and on disk", sendAnswer), ...bodyErrorAnswers },
      },
    },
  );

const readingRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "",
      async ({ caller, query }) => {
        const search = readEmailSearch(query);
        const numbers = askedNumbers(query);
        if (numbers) {
          if (search) throw searchHasNoNumbers();
          return numberedList(
            numbers,
            () => findEmailsPlace(app, caller.teamId, numbers),
            (page) => getEmails(app, caller.teamId, page),
            toItem,
          );
        }
        const page = readPage(query, "paged");
        if (!search) return listAnswer(await getEmails(app, caller.teamId, page), page, toItem);
        const { limit, after } = searchPage(page);
        const { emails, next } = await searchEmails(app, caller.teamId, search, { limit, after });
        return searchAnswer(emails, next, toFound);
      },
      {
        query: emailSearchQuery,
        detail: {
          summary: "List and search emails",
          description: `Newest first. With \`q\`, \`status\`, \`domain_id\`, \`tag\`, \`created_after\` or \`created_before\` it is ${searchNote} ${numberedNote}`,
          tags: ["Emails"],
          responses: { 200: answer("A page, newest first", emailList), ...errorAnswers },
        },
      },
    )
    .get("/:id", async ({ caller, params }) => toAnswer(await getEmail(app, caller.teamId, params.id)), {
      detail: {
        summary: "Get an email",
        tags: ["Emails"],
        responses: { 200: answer("The email", emailAnswer), ...errorAnswers },
      },
    });

const orNull = (list: string[]): string[] | null => (list.length > 0 ? list : null);

function toItem(email: ListedEmail) {
  return {
    id: email.id,
    message_id: email.messageId,
    to: email.recipients,
    from: email.sender,
    created_at: email.createdAt.toISOString(),
    subject: email.subject,
    bcc: orNull(email.bcc),
    cc: orNull(email.cc),
    reply_to: orNull(email.replyTo),
    last_event: email.lastEvent,
    scheduled_at: email.scheduledAt?.toISOString() ?? null,
    topic_id: email.topicId,
  };
}

const toFound = ({ deliveryId, ...email }: FoundEmail) => ({
  ...toItem(email),
  ...(deliveryId !== undefined && {
    broadcast_recipient: { id: deliveryId, broadcast_id: email.broadcastId },
  }),
});

function toAnswer(email: EmailWithContent) {
  return {
    object: "email" as const,
    ...toItem(email),
    ...{ html: email.html, text: email.text, tags: email.tags },
    // Only then, so that all others have the contract's keys alone.
    ...(email.contentRemovedAt && { content_removed_at: email.contentRemovedAt.toISOString() }),
  };
}
