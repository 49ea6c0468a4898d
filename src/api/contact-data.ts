/** What is kept of one person: given out, and erased. */
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { streamedAnswer } from "../csv/streamed-answer.ts";
import { giveOut } from "../people/document.ts";
import { getErasure, getErasures, progressOf, startErasure } from "../people/erase.ts";
import type { Erasure } from "../people/schema.ts";
import { actingAs } from "./acting.ts";
import { authenticated } from "./auth.ts";
import { erasureAnswer, erasureList, personAnswer } from "./contact-data-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";

const tags = ["Contacts"];

export const contactDataRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:idOrEmail/data",
      async ({ caller, asked, params, request, server }) => {
        server?.timeout(request, 0); // as long as somebody reads
        // Who the person is would outlive their erasure.
        const act = "Downloaded all that is kept of a person";
        const pieces = await actingAs(app, caller, asked, act, "", () =>
          giveOut(app, caller.teamId, params.idOrEmail),
        );
        return streamedAnswer(pieces, { "content-type": "application/json; charset=utf-8" });
      },
      {
        detail: {
          summary: "Get all that is kept of a person, for whoever asks what is known of them",
          description:
            "By the address, whether there is a contact of it or not, or by the contact's id. The tables are walked while the answer is read, which takes a second for each million emails or so.",
          tags,
          responses: { 200: answer("Everything with the address", personAnswer), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:idOrEmail/data",
      async ({ caller, asked, params, set }) => {
        set.status = 202;
        const act = "Began to erase all that is kept of a person";
        return toErasure(
          await actingAs(app, caller, asked, act, "", () =>
            startErasure(app, caller.teamId, params.idOrEmail),
          ),
        );
      },
      {
        detail: {
          summary: "Erase all that is kept of a person",
          description:
            "Works on afterwards: the contact, emails to them and what came of those, mail from them, events, logged requests. What they share with others keeps the others. A suppression stays, and who had unsubscribed from everything becomes one, so that nobody writes to them again by mistake.",
          tags,
          responses: { 202: answer("It has begun", erasureAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/erasures",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await getErasures(app, caller.teamId, page), page, toErasure);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List erasures",
          description: "Whom they were about is not kept.",
          tags,
          responses: { 200: answer("A page, newest first", erasureList), ...errorAnswers },
        },
      },
    )
    .get(
      "/erasures/:id",
      async ({ caller, params }) => toErasure(await getErasure(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get an erasure, and how far it is",
          tags,
          responses: { 200: answer("The erasure", erasureAnswer), ...errorAnswers },
        },
      },
    );

const toErasure = (row: Erasure) => ({
  object: "contact_erasure" as const,
  id: row.id,
  status: row.completedAt ? ("completed" as const) : ("in_progress" as const),
  stage: row.stage,
  progress: progressOf(row),
  counts: row.counts,
  created_at: row.createdAt.toISOString(),
  completed_at: row.completedAt?.toISOString() ?? null,
});
