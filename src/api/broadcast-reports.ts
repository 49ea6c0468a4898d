import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getClickedLinks, getRecipients, type Recipient } from "../broadcasts/recipients.ts";
import { getRecipient } from "../delivery/recipient.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { clickedLinkList, recipientList, recipientQuery } from "./broadcast-schemas.ts";
import { recipientAnswer, toRecipient } from "./delivery-answer.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";

const linkCursors = {
  isCursor: (text: string) => /^[A-Za-z0-9_-]{11}$/.test(text),
  says: "must be an `id` of this list",
  isExact: true, // base64url
};

/** What a broadcast came to, recipient by recipient and link by link. */
export const broadcastReportRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/recipients",
      async ({ caller, params, query }) => {
        const { type, email, bounce_type: bounceType } = query;
        if (bounceType !== undefined && type !== "bounced") {
          throw new Refusal(
            "validation_error",
            "The `bounce_type` parameter can be used only with `type=bounced`.",
          );
        }
        const page = readPage(query, "paged");
        const rows = await getRecipients(app, caller.teamId, params.id, { type, email, bounceType }, page);
        // Lists of one kind are the contract's to the letter; among all kinds one must be told from the other.
        return listAnswer(rows, page, (row) => ({
          ...toItem(row),
          ...(type === "all" && { state: row.state, last_reply: row.lastReply }),
        }));
      },
      {
        query: recipientQuery,
        detail: {
          summary: "List recipients of a broadcast by what became of it",
          tags: ["Broadcasts"],
          responses: { 200: answer("A page", recipientList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/recipients/:recipientId",
      async ({ caller, params }) =>
        toRecipient(await getRecipient(app, caller.teamId, params.id, params.recipientId)),
      {
        detail: {
          summary: "Explain the delivery to one recipient of a broadcast",
          description:
            "What `GET /emails/{id}/deliveries` tells of an email's: its state in one sentence, the conversations with hosts, and what happened. The recipient's id is that of the list. The copy itself is `GET /emails/{email_id}/deliveries/{id}/message`; what one may do with a delivery that waits is `/queue`, by `delivery_id`.",
          tags: ["Broadcasts"],
          responses: { 200: answer("The recipient", recipientAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/clicked-links",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged", linkCursors);
        const rows = await getClickedLinks(app, caller.teamId, params.id, page);
        return listAnswer(rows, page, ({ id, url, clicks, uniqueClicks }) => ({
          ...{ id, url, clicks, unique_clicks: uniqueClicks },
        }));
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the links of a broadcast that were followed",
          tags: ["Broadcasts"],
          responses: { 200: answer("A page", clickedLinkList), ...errorAnswers },
        },
      },
    );

function toItem({ id, contactId, email, count, clickedLinks, bounceType }: Recipient) {
  return {
    ...{ id, contact_id: contactId, email },
    ...(count !== undefined && { count }),
    ...(clickedLinks && { clicked_links: clickedLinks }),
    ...(bounceType && { bounce_type: bounceType }),
  };
}
