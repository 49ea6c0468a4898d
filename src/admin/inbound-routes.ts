/** What is done with mail that comes for some addresses. */
import { Elysia } from "elysia";
import { h } from "preact";
import { type RouteFormProps, RoutePage, RoutesPage, type RoutesProps } from "../../views/inbound-routes.tsx";
import { routeInWords } from "../../views/receiving.tsx";
import type { App } from "../app.ts";
import type { Domain } from "../domains/schema.ts";
import { getDomain, listDomains } from "../domains/service.ts";
import { findDomain } from "../domains/store.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import {
  changeRoute,
  createRoute,
  getRoute,
  getRoutes,
  type RouteWishes,
  removeRoute,
  reorderRoutes,
} from "../inbound/routes.ts";
import {
  type InboundRoute,
  type RouteAction,
  type RouteMatch,
  routeActions,
  routeMatches,
} from "../inbound/schema.ts";
import { type TriedAddress, tryAddress } from "../inbound/try-address.ts";
import { getWebhook, getWebhooks } from "../webhooks/service.ts";
import { mistakesOf } from "./mistakes.ts";
import { signedIn, type Visit } from "./visit.ts";

const base = "/admin/receiving/routes";
/** Of the domains, as many as one may choose from. */
const mostDomains = 500;
const fields = ["match", "value", "action", "webhook_id", "reply"] as const;
const none = { match: "address", value: "", action: "store", webhookId: "", reply: "" };

export const inboundRoutePages = (app: App) =>
  new Elysia({ prefix: "/receiving/routes" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const trial = await tryOut(app, visit, query.try ?? "");
      return routesPage(app, visit, query.domain, { trial });
    })
    .post("", async ({ visit }) => {
      const domainId = visit.form.text("domain");
      const form = valuesOf(visit);
      visit.act(`Added a route for ${routeInWords(form)}`, domainId);
      try {
        await createRoute(app, visit.teamId, domainId, await wishesOf(app, visit, form));
        return visit.done(`${base}?domain=${domainId}`, "The route is added, behind those that were there.");
      } catch (error) {
        return routesPage(app, visit, domainId, { form, mistakes: mistakesOf(error, fields) });
      }
    })
    .get("/:id", async ({ visit, params }) => {
      const route = await getRoute(app, visit.teamId, params.id);
      const { match, value, action, webhookId, reply } = route;
      return routePage(app, visit, route, {
        values: { match, value, action, webhookId: webhookId ?? "", reply: reply ?? "" },
        mistakes: {},
      });
    })
    .post("/:id", async ({ visit, params }) => {
      const route = await getRoute(app, visit.teamId, params.id);
      const values = valuesOf(visit);
      visit.act(`Changed the route for ${routeInWords(route)}`);
      try {
        await changeRoute(app, visit.teamId, route.id, await wishesOf(app, visit, values));
        return visit.done(`${base}?domain=${route.domainId}`, "The route is changed.");
      } catch (error) {
        return routePage(app, visit, route, { values, mistakes: mistakesOf(error, fields) });
      }
    })
    .post("/:id/up", ({ visit, params }) => move(app, visit, params.id, -1))
    .post("/:id/down", ({ visit, params }) => move(app, visit, params.id, 1))
    .post("/:id/delete", async ({ visit, params }) => {
      const { domainId, ...route } = await getRoute(app, visit.teamId, params.id);
      visit.act(`Removed the route for ${routeInWords(route)}`);
      await removeRoute(app, visit.teamId, params.id);
      return visit.done(`${base}?domain=${domainId}`, "The route is removed.");
    });

async function move(app: App, visit: Visit, id: string, by: -1 | 1): Promise<Response> {
  const route = await getRoute(app, visit.teamId, id);
  const ids = (await getRoutes(app, visit.teamId, route.domainId)).map((each) => each.id);
  const from = ids.indexOf(route.id);
  const to = from + by;
  if (to >= 0 && to < ids.length) {
    [ids[from], ids[to]] = [ids[to]!, ids[from]!];
    visit.act(`Moved the route for ${routeInWords(route)} ${by < 0 ? "up" : "down"}`, id);
    await reorderRoutes(app, visit.teamId, route.domainId, ids);
  }
  return visit.done(`${base}?domain=${route.domainId}`, "The routes have another order.");
}

type Values = RouteFormProps["values"];

function valuesOf({ form }: Visit): Values {
  const { text } = form;
  return {
    match: text("match"),
    value: text("value"),
    action: text("action"),
    webhookId: text("webhook_id"),
    reply: text("reply"),
  };
}

/** What does not go with the match or the action was left in its field, and is not meant. */
async function wishesOf(app: App, { teamId }: Visit, values: Values): Promise<RouteWishes> {
  const { value, webhookId, reply } = values;
  const match = oneOf<RouteMatch>("match", routeMatches, values.match);
  const action = oneOf<RouteAction>("action", routeActions, values.action);
  // A route to an endpoint that is not there would tell nobody, and nobody would know.
  if (action === "webhook" && webhookId) await getWebhook(app, teamId, webhookId);
  return {
    ...{ match, action, value: match === "catch_all" ? null : value },
    webhookId: action === "webhook" ? webhookId || null : null,
    reply: action === "reject" ? reply : null,
  };
}

function oneOf<Value extends string>(field: string, known: readonly Value[], given: string): Value {
  const found = known.find((each) => each === given);
  if (!found) throw new Refusal("validation_error", `Invalid \`${field}\` field. Choose one of the list.`);
  return found;
}

async function tryOut(app: App, { teamId }: Visit, address: string): Promise<RoutesProps["trial"]> {
  const nothing = { address, tried: undefined, mistake: undefined };
  if (address.trim() === "") return nothing;
  try {
    const tried: TriedAddress = await tryAddress(app, teamId, address);
    return { ...nothing, tried };
  } catch (error) {
    return { ...nothing, ...{ mistake: mistakesOf(error, ["address"]).address } };
  }
}

async function routesPage(
  app: App,
  visit: Visit,
  domainId: string | undefined,
  given: Partial<Pick<RoutesProps, "trial" | "form" | "mistakes">>,
): Promise<Response> {
  const newest = await listDomains(app, visit.teamId, { limit: mostDomains });
  const asked = isId(domainId ?? "")
    ? await findDomain(app.db, visit.teamId, domainId!.toLowerCase())
    : undefined;
  const isAmong = newest.some(({ id }) => id === asked?.id);
  const all = asked && !isAmong ? [asked, ...newest] : newest;
  const domains = all.toSorted((a, b) => Number(b.receiving) - Number(a.receiving));
  const domain: Domain | undefined = asked ?? domains[0];
  const props: RoutesProps = {
    ...{ csrf: visit.csrf, domains, domain, webhooks: await endpoints(app, visit) },
    routes: domain ? await getRoutes(app, visit.teamId, domain.id) : [],
    ...{ trial: { address: "", tried: undefined, mistake: undefined }, form: none, mistakes: {} },
    ...given,
  };
  const status = Object.keys(props.mistakes).length > 0 ? 422 : 200;
  return visit.page({ title: "Routes", place: "receiving", status }, h(RoutesPage, props));
}

async function routePage(
  app: App,
  visit: Visit,
  route: InboundRoute,
  form: Pick<RouteFormProps, "values" | "mistakes">,
): Promise<Response> {
  const domain = await getDomain(app, visit.teamId, route.domainId);
  const status = Object.keys(form.mistakes).length > 0 ? 422 : 200;
  const webhooks = await endpoints(app, visit);
  const props = { ...form, csrf: visit.csrf, domain, webhooks, id: route.id, what: routeInWords(route) };
  return visit.page({ title: "Route", place: "receiving", status }, h(RoutePage, props));
}

async function endpoints(app: App, { teamId }: Visit): Promise<Record<string, string>> {
  const rows = await getWebhooks(app, teamId, { limit: 100 });
  return Object.fromEntries(rows.map(({ id, endpoint }) => [id, endpoint]));
}
