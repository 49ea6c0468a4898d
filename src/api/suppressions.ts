import { Elysia, type Static } from "elysia";
import type { App } from "../app.ts";
import { addSuppression, addSuppressions } from "../suppressions/add.ts";
import type { ExpiryWish } from "../suppressions/expiry.ts";
import { getSuppression, getSuppressions, searchSuppressions } from "../suppressions/read.ts";
import { removeSuppression, removeSuppressions } from "../suppressions/remove.ts";
import type { Suppression } from "../suppressions/schema.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { suppressionFileRoutes } from "./suppression-files.ts";
import {
  addition,
  additions,
  listQuery,
  reasonsOf,
  reference,
  references,
  removals,
  removedAnswer,
  removedAnswers,
  suppressionAnswer,
  suppressionList,
} from "./suppression-schemas.ts";

export const suppressionRoutes = (app: App) =>
  new Elysia({ prefix: "/suppressions" })
    .use(suppressionFileRoutes(app))
    .use(batchRoutes(app))
    .use(singleRoutes(app));

const tags = ["Suppressions"];

const singleRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const id = await addSuppression(app, caller.teamId, body.email, toExpiry(body), body.reason);
        set.status = 201;
        return toReference(id);
      },
      {
        parse: "json",
        body: shown(addition),
        detail: {
          summary: "Suppress an address",
          tags,
          responses: {
            201: answer("Suppressed; an address that was already keeps its id and reason", reference),
            ...bodyErrorAnswers,
          },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const reasons = query.origin && reasonsOf[query.origin];
        if (query.search !== undefined) {
          const page = searchPage(readPage(query, "paged", ofSearches));
          const search = { prefix: query.search, reasons, ...page };
          const { rows, next } = await searchSuppressions(app, caller.teamId, search);
          return searchAnswer(rows, next, toItem);
        }
        const page = readPage(query, "paged");
        return listAnswer(await getSuppressions(app, caller.teamId, reasons, page), page, toItem);
      },
      {
        query: listQuery,
        detail: {
          summary: "List and search suppressions",
          description: `Newest first. With \`search\` it is ${searchNote}`,
          tags,
          responses: { 200: answer("A page", suppressionList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:idOrEmail",
      async ({ caller, params }) => {
        const row = await getSuppression(app, caller.teamId, params.idOrEmail);
        return { object: "suppression" as const, ...toItem(row) };
      },
      {
        detail: {
          summary: "Get a suppression by its id or address",
          tags,
          responses: { 200: answer("The suppression", suppressionAnswer), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:idOrEmail",
      async ({ caller, params }) => toRemoved(await removeSuppression(app, caller.teamId, params.idOrEmail)),
      {
        detail: {
          summary: "Send to an address again",
          tags,
          responses: { 200: answer("No longer suppressed", removedAnswer), ...errorAnswers },
        },
      },
    );

const ofSearches = {
  isCursor: (text: string) => text.includes("@") && text.length <= 320,
  says: "must be the `next` of the page before, an address",
};

const batchRoutes = (app: App) =>
  new Elysia({ prefix: "/batch" })
    .use(authenticated(app, "full_access"))
    .post(
      "/add",
      async ({ caller, body, set }) => {
        const ids = await addSuppressions(app, caller.teamId, body.emails, toExpiry(body), body.reason);
        set.status = 201;
        return { data: ids.map(toReference) };
      },
      {
        parse: "json",
        body: shown(additions),
        detail: {
          summary: "Suppress up to 100 addresses",
          tags,
          responses: { 201: answer("One for each address, in their order", references), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/remove",
      async ({ caller, body }) => ({
        data: (await removeSuppressions(app, caller.teamId, body)).map(toRemoved),
      }),
      {
        parse: "json",
        body: shown(removals),
        detail: {
          summary: "Send to up to 100 addresses again",
          tags,
          responses: {
            200: answer("Those that were suppressed, in the order they were asked for", removedAnswers),
            ...bodyErrorAnswers,
          },
        },
      },
    );

const toExpiry = (body: Pick<Static<typeof addition>, "expires_at" | "expires_in">): ExpiryWish => ({
  expiresAt: body.expires_at,
  expiresIn: body.expires_in,
});

const toReference = (id: string) => ({ object: "suppression" as const, id });

const toRemoved = (id: string) => ({ ...toReference(id), deleted: true as const });

function toItem({ id, address, reason, sourceId, createdAt, expiresAt }: Suppression) {
  return {
    id,
    email: address,
    origin: reason === "unsubscribe" ? "manual" : reason,
    reason,
    source_id: sourceId,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
  };
}
