import { Type } from "@sinclair/typebox";
import { Elysia, type Static, t } from "elysia";
import type { App } from "../app.ts";
import { getDomain } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import {
  changeRoute,
  createRoute,
  getRouteOf,
  getRoutes,
  removeRoute,
  reorderRoutes,
} from "../inbound/routes.ts";
import { type InboundRoute, routeActions, routeMatches } from "../inbound/schema.ts";
import { tryAddress } from "../inbound/try-address.ts";
import { findWebhook } from "../webhooks/store.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const oneOf = <V extends string>(values: readonly V[]) =>
  Type.Union(values.map((value) => Type.Literal(value)));
const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Union([schema, Type.Null()]);

const match = oneOf(routeMatches);
const action = oneOf(routeActions);
const details = {
  value: t.Optional(
    orNull(
      t.String({
        description:
          "The address (`address`), a local part with `*` and `?` (`pattern`), what stands before the plus (`plus`); none for `catch_all`.",
        examples: ["support@example.com"],
      }),
    ),
  ),
  webhook_id: t.Optional(
    orNull(t.String({ description: "The one endpoint that hears of it, for `webhook`." })),
  ),
  reply: t.Optional(
    orNull(
      t.String({
        description: "What a refused sender is told, for `reject`; it may begin with a code such as 550.",
      }),
    ),
  ),
};
const creation = t.Object(
  { match, action, ...details },
  {
    additionalProperties: true,
    examples: [{ match: "address", value: "support@example.com", action: "store" }],
  },
);
const change = t.Object(
  { match: t.Optional(match), action: t.Optional(action), ...details },
  { additionalProperties: true, examples: [{ action: "reject", reply: "550 5.1.1 Nobody of that name" }] },
);
const order = t.Object(
  {
    ids: t.Array(t.String(), {
      maxItems: 200,
      description: "It must be the list of all ids of the domain's routes, the first to be asked first.",
      examples: [["019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b"]],
    }),
  },
  { additionalProperties: true },
);

const object = Type.Literal("route");
const id = Type.String({ format: "uuid" });
const fields = {
  id,
  match,
  value: orNull(Type.String({ examples: ["support@example.com"] })),
  action,
  webhook_id: orNull(id),
  reply: orNull(Type.String()),
  position: Type.Integer({
    description: "Its place in the order in which routes are asked, smallest first.",
  }),
  created_at: Type.String({ format: "date-time" }),
};
const routeAnswer = Type.Object({ object, ...fields });
const routeList = listOf(Type.Object(fields));
const removedAnswer = Type.Object({ object, id, deleted: Type.Literal(true) });

const tags = ["Receiving"];

/** What becomes of the mail for some addresses of a domain. */
export const inboundRouteRoutes = (app: App) =>
  new Elysia({ prefix: "/domains" }).use(wholeRoutes(app)).use(singleRoutes(app));

const wholeRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/:id/routes",
      async ({ caller, params, body, set }) => {
        await requireWebhook(app, caller.teamId, body.webhook_id);
        const route = await createRoute(app, caller.teamId, params.id, {
          ...toChanges(body),
          match: body.match,
          action: body.action,
        });
        set.status = 201;
        return toAnswer(route);
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Add a route to a domain",
          description: "Behind those it has: the first that matches an address decides.",
          tags,
          responses: { 201: answer("The route", routeAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "/:id/routes",
      async ({ caller, params }) => toList(await getRoutes(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "List the routes of a domain",
          tags,
          responses: { 200: answer("All of them, in the order they are asked", routeList), ...errorAnswers },
        },
      },
    )
    .put(
      "/:id/routes/order",
      async ({ caller, params, body }) =>
        toList(await reorderRoutes(app, caller.teamId, params.id, body.ids)),
      {
        parse: "json",
        body: shown(order),
        detail: {
          summary: "Put the routes of a domain into another order",
          tags,
          responses: { 200: answer("All of them, in the new order", routeList), ...bodyErrorAnswers },
        },
      },
    );

const tryQuery = t.Object(
  { address: t.String({ description: "Of the domain.", examples: ["support@example.com"] }) },
  { additionalProperties: true },
);
const tryAnswer = Type.Object({
  object: Type.Literal("route_match"),
  address: Type.String(),
  action,
  route_id: orNull(Type.String({ format: "uuid" })),
  reply: orNull(Type.String({ description: "What a sender is told where the mail is refused." })),
});

const singleRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/routes/match",
      async ({ caller, params, query }) => {
        await getDomain(app, caller.teamId, params.id);
        const tried = await tryAddress(app, caller.teamId, query.address);
        return {
          object: "route_match" as const,
          ...{ address: tried.address, action: tried.outcome, route_id: tried.route?.id ?? null },
          reply: tried.reply ?? null,
        };
      },
      {
        query: tryQuery,
        detail: {
          summary: "Ask what would become of mail to an address",
          tags,
          responses: { 200: answer("The route that decides, if any", tryAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/routes/:routeId",
      async ({ caller, params }) => toAnswer(await getRouteOf(app, caller.teamId, params.id, params.routeId)),
      {
        detail: {
          summary: "Get a route of a domain",
          tags,
          responses: { 200: answer("The route", routeAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id/routes/:routeId",
      async ({ caller, params, body }) => {
        const { id } = await getRouteOf(app, caller.teamId, params.id, params.routeId);
        await requireWebhook(app, caller.teamId, body.webhook_id);
        return toAnswer(await changeRoute(app, caller.teamId, id, toChanges(body)));
      },
      {
        parse: "json",
        body: shown(change),
        detail: {
          summary: "Change a route of a domain",
          description: "It keeps its place. What belonged to another match or action goes with it.",
          tags,
          responses: { 200: answer("The route as it is now", routeAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id/routes/:routeId",
      async ({ caller, params }) => {
        const { id } = await getRouteOf(app, caller.teamId, params.id, params.routeId);
        await removeRoute(app, caller.teamId, id);
        return { object: "route" as const, id, deleted: true as const };
      },
      {
        detail: {
          summary: "Remove a route from a domain",
          tags,
          responses: { 200: answer("Removed", removedAnswer), ...errorAnswers },
        },
      },
    );

/** A route to an endpoint that is not there would tell nobody, and nobody would know. */
async function requireWebhook(app: App, teamId: string, id: string | null | undefined): Promise<void> {
  if (!id || (isId(id) && (await findWebhook(app.db, teamId, id.toLowerCase())))) return;
  throw new Refusal(
    "validation_error",
    "`webhook_id` names no webhook of yours: create it first, with POST /webhooks.",
  );
}

/** What is absent is left out: in a change it stays as it is. */
function toChanges({ match, action, value, webhook_id: webhookId, reply }: Static<typeof change>) {
  return {
    ...(match !== undefined && { match }),
    ...(action !== undefined && { action }),
    ...(value !== undefined && { value }),
    ...(webhookId !== undefined && { webhookId }),
    ...(reply !== undefined && { reply }),
  };
}

const toList = (routes: InboundRoute[]) => ({
  object: "list" as const,
  has_more: false,
  data: routes.map(toItem),
});

const toAnswer = (route: InboundRoute) => ({ object: "route" as const, ...toItem(route) });

function toItem(route: InboundRoute) {
  return {
    id: route.id,
    match: route.match,
    value: route.value === "" ? null : route.value,
    action: route.action,
    webhook_id: route.webhookId,
    reply: route.reply,
    position: route.position,
    created_at: route.createdAt.toISOString(),
  };
}
