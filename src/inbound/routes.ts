import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { getDomain } from "../domains/service.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { parseAddress, recipientKey } from "../mail/address.ts";
import { forgetRoutes } from "./memory.ts";
import type { InboundRoute, RouteAction, RouteMatch } from "./schema.ts";
import { deleteRoute, findRouteRow, insertRoute, listRoutes, moveRoute, updateRoute } from "./store.ts";

/** As its owner wants it; what is absent does not apply, or in a change stays as it is. */
export interface RouteWishes {
  match: RouteMatch;
  value?: string | null;
  action: RouteAction;
  webhookId?: string | null;
  reply?: string | null;
}

const mostRoutes = 200;
const longestReply = 500;

/** Adds a route behind those that a domain has. */
export async function createRoute(
  app: App,
  teamId: string,
  domainId: string,
  wishes: RouteWishes,
): Promise<InboundRoute> {
  const domain = await getDomain(app, teamId, domainId);
  const id = newId();
  const row = { id, teamId, domainId, ...readWishes(wishes, domain.name), createdAt: app.now() };
  await atomically(app, [insertRoute(row, mostRoutes), expectChange()]).catch((error: unknown) => {
    if (!(error instanceof WriteConflict) || error.kind !== "stale") throw error;
    throw new Refusal(
      "validation_error",
      `A domain has at most ${mostRoutes} routes. Use a pattern for several addresses, or remove some.`,
    );
  });
  forgetRoutes(app);
  return getRoute(app, teamId, id);
}

/** A domain's routes in the order in which they are asked. */
export async function getRoutes(app: App, teamId: string, domainId: string): Promise<InboundRoute[]> {
  const { id } = await getDomain(app, teamId, domainId);
  return listRoutes(app.db, id);
}

export async function getRoute(app: App, teamId: string, id: string): Promise<InboundRoute> {
  const route = isId(id) ? await findRouteRow(app.db, teamId, id) : undefined;
  if (!route) throw routeMissing();
  return route;
}

/** The same where it is to be one of this domain's. */
export async function getRouteOf(
  app: App,
  teamId: string,
  domainId: string,
  id: string,
): Promise<InboundRoute> {
  const route = await getRoute(app, teamId, id);
  if (route.domainId !== domainId) throw routeMissing();
  return route;
}

/** Changes a route, which keeps its place. */
export async function changeRoute(
  app: App,
  teamId: string,
  id: string,
  changes: Partial<RouteWishes>,
): Promise<InboundRoute> {
  const route = await getRoute(app, teamId, id);
  const domain = await getDomain(app, teamId, route.domainId);
  const { match = route.match, action = route.action } = changes;
  // What belongs to another match or action does not stay with the new one.
  const kept = {
    ...(match === route.match && { value: route.value }),
    ...(action === route.action && { webhookId: route.webhookId, reply: route.reply }),
  };
  const changed = { ...route, ...readWishes({ ...kept, ...changes, match, action }, domain.name) };
  await atomically(app, [updateRoute(app.db, changed), expectChange()]).catch(refuseMissing);
  forgetRoutes(app);
  return changed;
}

export async function removeRoute(app: App, teamId: string, id: string): Promise<void> {
  await getRoute(app, teamId, id);
  await atomically(app, [deleteRoute(app.db, teamId, id), expectChange()]).catch(refuseMissing);
  forgetRoutes(app);
}

/** Puts a domain's routes into the order of these ids, which are all that it has. */
export async function reorderRoutes(
  app: App,
  teamId: string,
  domainId: string,
  ids: string[],
): Promise<InboundRoute[]> {
  const routes = await getRoutes(app, teamId, domainId);
  const known = new Set(routes.map(({ id }) => id));
  if (ids.length !== known.size || new Set(ids).size !== known.size || !ids.every((id) => known.has(id))) {
    throw new Refusal("validation_error", "Name every route of the domain once, in the order you want them.");
  }
  const moves = ids.flatMap((id, position) => [moveRoute(app.db, teamId, id, position), expectChange()]);
  await atomically(app, moves).catch(refuseMissing);
  forgetRoutes(app);
  return listRoutes(app.db, domainId);
}

type Wanted = Pick<InboundRoute, "match" | "value" | "action" | "webhookId" | "reply">;

function readWishes(wishes: RouteWishes, domain: string): Wanted {
  const { match, action } = wishes;
  return {
    match,
    value: readValue(wishes, domain),
    action,
    webhookId: readWebhookId(wishes),
    reply: readReply(wishes),
  };
}

function readValue({ match, value }: RouteWishes, domain: string): string {
  const given = value?.trim() ?? "";
  switch (match) {
    case "address":
      return readAddress(given, domain);
    case "pattern":
      return readLocalPart(given, "The pattern", /[*?]/g);
    case "plus":
      if (given.includes("+")) throw invalid("The `value` is what stands before the plus, without one.");
      return readLocalPart(given, "The local part", /(?!)/g);
    case "catch_all":
      if (given !== "") throw invalid("A catch-all matches every address; leave its `value` out.");
      return "";
  }
}

function readAddress(given: string, domain: string): string {
  const address = parseAddress(given.includes("@") ? given : `${given}@${domain}`);
  if (!address || address.name !== undefined) {
    throw invalid(`The \`value\` must be an address of ${domain}, such as support@${domain}.`);
  }
  if (address.domain !== domain)
    throw invalid(`The \`value\` must be an address of ${domain}; this one is of ${address.domain}.`);
  return `${recipientKey(address.local)}@${domain}`;
}

/** A local part as mail to it is compared; `wild` are the characters that stand for others. */
function readLocalPart(given: string, what: string, wild: RegExp): string {
  // With letters in their place it must be the beginning of an address.
  const address = given === "" ? undefined : parseAddress(`${given.replace(wild, "a")}@example.com`);
  if (!address || given.includes("@")) {
    throw invalid(
      `Invalid \`value\` field. ${what} must be a local part: what stands before the @ of an address, of 64 characters at most.`,
    );
  }
  return recipientKey(given);
}

function readWebhookId({ action, webhookId }: RouteWishes): string | null {
  if (action !== "webhook") {
    if (webhookId) throw invalid('A `webhook_id` goes with the action "webhook" only.');
    return null;
  }
  if (!webhookId || !isId(webhookId)) {
    throw invalid(
      'The action "webhook" needs a `webhook_id`: the id of the endpoint that is to hear of the mail.',
    );
  }
  return webhookId;
}

function readReply({ action, reply }: RouteWishes): string | null {
  if (reply === undefined || reply === null || reply.trim() === "") return null;
  if (action !== "reject") throw invalid('A `reply` goes with the action "reject" only.');
  const text = reply.trim();
  if (text.length > longestReply || /\p{Cc}/u.test(text)) {
    throw invalid(`The \`reply\` must be one line of at most ${longestReply} characters.`);
  }
  if (/^\d{3}\b/.test(text) && !/^[45]\d\d /.test(text)) {
    throw invalid(
      "The `reply` may begin with a code of its own, but only with one that refuses, such as 550.",
    );
  }
  return text;
}

const invalid = (message: string) => new Refusal("validation_error", message);

const routeMissing = () => new Refusal("not_found", "Route not found");

function refuseMissing(error: unknown): never {
  throw error instanceof WriteConflict && error.kind === "stale" ? routeMissing() : error;
}
