import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import type { ApiKey } from "../keys/schema.ts";
import { changeKey, createKey, getKey, listTeamKeys, revokeKey } from "../keys/service.ts";
import { actingAs } from "./acting.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const allowedIps = t.Optional(
  t.Union([
    t.Array(t.String(), {
      description:
        "Addresses and networks (CIDR) the key may be used from; from anywhere when there are none.",
      examples: [["203.0.113.7", "2001:db8::/32"]],
    }),
    t.Null(),
  ]),
);
const creation = t.Object(
  {
    name: t.String({ description: "1 to 50 characters." }),
    permission: t.Optional(t.Union([t.String({ examples: ["full_access", "sending_access"] }), t.Null()])),
    domain_id: t.Optional(t.Union([t.String({ description: "Only with sending_access." }), t.Null()])),
    allowed_ips: allowedIps,
  },
  { additionalProperties: true },
);
const change = t.Object(
  { name: t.Optional(t.String({ description: "1 to 50 characters." })), allowed_ips: allowedIps },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const created = Type.Object({ id, token: Type.String({ description: "Shown this once." }) });
const item = {
  id,
  name: Type.String(),
  created_at: time,
  last_used_at: Type.Union([time, Type.Null()]),
  permission: Type.Union([Type.Literal("full_access"), Type.Literal("sending_access")]),
  domain_id: Type.Union([id, Type.Null()]),
  allowed_ips: Type.Array(Type.String()),
  token_start: Type.String({
    description: "Its token's first characters, by which people tell keys apart.",
    examples: ["re_4f2a1c0"],
  }),
};
const whole = Type.Object({ object: Type.Literal("api_key"), ...item });
const changed = Type.Object({ object: Type.Literal("api_key"), id });
const deleted = Type.Object({ object: Type.Literal("api_key"), id, deleted: Type.Literal(true) });

export const keyRoutes = (app: App) =>
  new Elysia({ prefix: "/api-keys" })
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, asked, set }) => {
        const { name, permission, domain_id: domainId, allowed_ips: allowedIps } = body;
        const key = await actingAs(app, caller, asked, `Created the API key “${name}”`, "", () =>
          createKey(app, caller.teamId, { name, permission, domainId, allowedIps }),
        );
        set.status = 201;
        set.headers["cache-control"] = "no-store";
        return { id: key.id, token: key.token };
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Create an API key",
          tags: ["API keys"],
          responses: { 201: answer("The key, with its token", created), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "unpaged");
        return listAnswer(await listTeamKeys(app, caller.teamId, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List API keys",
          tags: ["API keys"],
          responses: { 200: answer("The keys, newest first", listOf(Type.Object(item))), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => ({
        object: "api_key" as const,
        ...toItem(await getKey(app, caller.teamId, params.id)),
      }),
      {
        detail: {
          summary: "Get an API key",
          description: "Its token is not kept. `GET /logs?api_key_id=` lists what was asked with it.",
          tags: ["API keys"],
          responses: { 200: answer("The key", whole), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body, asked }) => {
        const { name, allowed_ips: allowedIps } = body;
        const known = await getKey(app, caller.teamId, params.id);
        await actingAs(app, caller, asked, `Changed the API key “${known.name}”`, known.id, () =>
          changeKey(app, caller.teamId, known.id, { name, allowedIps }),
        );
        return { object: "api_key", id: known.id };
      },
      {
        parse: "json",
        body: shown(change),
        detail: {
          summary: "Rename an API key, or change where it may be used from",
          tags: ["API keys"],
          responses: { 200: answer("Changed", changed), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params, asked }) => {
        const known = await getKey(app, caller.teamId, params.id);
        await actingAs(app, caller, asked, `Revoked the API key “${known.name}”`, known.id, () =>
          revokeKey(app, caller.teamId, known.id),
        );
        return { object: "api_key", id: known.id, deleted: true };
      },
      {
        detail: {
          summary: "Revoke an API key",
          tags: ["API keys"],
          responses: { 200: answer("Revoked from now on", deleted), ...errorAnswers },
        },
      },
    );

function toItem({ id, name, createdAt, lastUsedAt, permission, domainId, allowedIps, tokenStart }: ApiKey) {
  return {
    id,
    name,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt?.toISOString() ?? null,
    permission,
    domain_id: domainId,
    allowed_ips: allowedIps,
    token_start: tokenStart,
  };
}
