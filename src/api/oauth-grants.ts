import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers, listOf } from "./openapi.ts";

const time = t.String({ format: "date-time" });
const orNull = t.Union([t.String(), t.Null()]);
const id = t.String({ format: "uuid" });
const grant = t.Object({
  id,
  client_id: t.String(),
  scopes: t.Array(t.String()),
  created_at: time,
  revoked_at: t.Union([time, t.Null()]),
  revoked_reason: orNull,
  client: t.Object({ name: t.String(), logo_uri: orNull }),
});
const revoked = t.Object({
  object: t.Literal("oauth_grant"),
  id,
  revoked_at: time,
  revoked_reason: t.String(),
});

/** Apps that people let in by OAuth. This server lets nobody in that way, so there are none to show or to take back. */
export const oauthGrantRoutes = (app: App) =>
  new Elysia({ prefix: "/oauth/grants" })
    .use(authenticated(app, "full_access"))
    .get("", ({ query }) => listAnswer([], readPage(query, "paged"), () => ({})), {
      query: pageQuery,
      detail: {
        summary: "List OAuth grants",
        description: "This server issues none: the list is empty.",
        tags: ["OAuth grants"],
        responses: { 200: answer("A page, newest first", listOf(grant)), ...errorAnswers },
      },
    })
    .delete(
      "/:id",
      () => {
        throw new Refusal("not_found", "OAuth grant not found. Perhaps it was already revoked?");
      },
      {
        detail: {
          summary: "Revoke an OAuth grant",
          tags: ["OAuth grants"],
          responses: { 200: answer("Revoked", revoked), ...errorAnswers },
        },
      },
    );
