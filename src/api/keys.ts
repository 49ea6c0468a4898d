import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import type { ApiKey } from "../keys/schema.ts";
import { createKey, listTeamKeys, renameKey, revokeKey } from "../keys/service.ts";
import { authenticated } from "./auth.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const creation = t.Object(
  {
    name: t.String({ description: "1 to 50 characters." }),
    permission: t.Optional(t.Union([t.String({ examples: ["full_access", "sending_access"] }), t.Null()])),
    domain_id: t.Optional(t.Union([t.String({ description: "Only with sending_access." }), t.Null()])),
  },
  { additionalProperties: true },
);
const renaming = t.Object(
  { name: t.String({ description: "1 to 50 characters." }) },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const created = Type.Object({ id, token: Type.String({ description: "Shown this once." }) });
const item = Type.Object({
  id,
  name: Type.String(),
  created_at: time,
  last_used_at: Type.Union([time, Type.Null()]),
  permission: Type.Union([Type.Literal("full_access"), Type.Literal("sending_access")]),
  domain_id: Type.Union([id, Type.Null()]),
});
const renamed = Type.Object({ object: Type.Literal("api_key"), id });
const deleted = Type.Object({ object: Type.Literal("api_key"), id, deleted: Type.Literal(true) });

export const keyRoutes = (app: App) =>
  new Elysia({ prefix: "/api-keys" })
    .use(authenticated(app, "full_access"))
    .post(
      "/",
      async ({ caller, body, set }) => {
        const { name, permission, domain_id: domainId } = body;
        const key = await createKey(app, caller.teamId, { name, permission, domainId });
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return { id: key.id, token: key.token };
      },
      {
        parse: "json",
        body: creation,
        detail: {
          summary: "Create an API key",
          tags: ["API keys"],
          responses: { 201: answer("The key, with its token", created), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "/",
      async ({ caller, query }) => {
        const page = readPage(query, "unpaged");
        return listAnswer(await listTeamKeys(app, caller.teamId, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List API keys",
          tags: ["API keys"],
          responses: { 200: answer("The keys, newest first", listOf(item)), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        await renameKey(app, caller.teamId, params.id, body.name);
        return { object: "api_key", id: params.id };
      },
      {
        parse: "json",
        body: renaming,
        detail: {
          summary: "Rename an API key",
          tags: ["API keys"],
          responses: { 200: answer("Renamed", renamed), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        await revokeKey(app, caller.teamId, params.id);
        return { object: "api_key", id: params.id, deleted: true };
      },
      {
        detail: {
          summary: "Revoke an API key",
          tags: ["API keys"],
          responses: { 200: answer("Revoked from now on", deleted), ...errorAnswers },
        },
      },
    );

function toItem({ id, name, createdAt, lastUsedAt, permission, domainId }: ApiKey) {
  return {
    id,
    name,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
    permission,
    domain_id: domainId,
  };
}
