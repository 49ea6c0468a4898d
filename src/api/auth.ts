import { Elysia } from "elysia";
import { authenticateSession, type TokenTerms } from "../accounts/sessions.ts";
import type { App } from "../app.ts";
import { type Connections, clientAddressReader } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { authenticateKey } from "../keys/authenticate.ts";
import { type Network, requireAllowedAddress } from "../keys/networks.ts";
import type { Permission } from "../keys/schema.ts";
import { type Asked, noteRequest } from "../logs/record.ts";
import type { Role } from "../roles.ts";
import { readJson } from "./body.ts";
import { type AnswerHeaders, requestLimit } from "./rate-limit.ts";
import { answeredWith, askedBy, nothingAsked } from "./request-log.ts";

/** Who is asking: a team, through one of its keys or through a person's session. */
export interface Caller {
  teamId: string;
  permission: Permission;
  /** Absent for a person's session. */
  keyId?: string;
  /** The person, where it is one. */
  userId?: string;
  /** What that person may do in the team. */
  role?: Role;
  /** What ends that person's token, and so one that is made with it. */
  terms?: TokenTerms;
  /** The one domain the key may send from. */
  domainId?: string | null;
  /** Where the key may be used from; from anywhere when there are none. */
  networks?: readonly Network[];
}

/** What a body is until somebody reads it: nothing is read for a caller we do not know. */
export const unreadBody = Symbol("unread body");

/** A caller that is a person, by the token of a login. */
export type PersonCaller = Caller & Required<Pick<Caller, "userId" | "role" | "terms">>;

/**
 * Lets in only callers with the permission, and reads the body after that: the contract's order is key, permission,
 * JSON, fields. Gives routes `caller`.
 */
export const authenticated = (app: App, permission: Permission) =>
  lettingIn(app, { permission, readsBody: true, admitted: anybody });

/** The same, with the body left unread: for routes that take something else than JSON and read it themselves. */
export const authenticatedUnread = (app: App, permission: Permission) =>
  lettingIn(app, { permission, readsBody: false, admitted: anybody });

/** Lets in people alone, to what is their own: a viewer changes that too. */
export const authenticatedPerson = (app: App) =>
  lettingIn(app, { permission: "full_access", readsBody: true, isOwn: true, admitted: requirePerson });

/** Lets a team in where `isAsked`, at a path that is asked by others too: for those `caller` is undefined. */
export function authenticatedIf(app: App, permission: Permission, isAsked: (request: Request) => boolean) {
  const { identify, admit } = gate(app, permission);
  return new Elysia({ name: "authenticated-if" })
    .decorate("asked", nothingAsked)
    .derive({ as: "scoped" }, async (context): Promise<{ caller: Caller | undefined }> => {
      const { request, server, route, set } = context;
      if (!isAsked(request)) return { caller: undefined };
      const { caller, asked } = await identify(request, server, String(set.headers["x-request-id"]));
      context.asked = asked;
      admit(caller, asked, route, set.headers);
      return { caller };
    })
    .onAfterHandle({ as: "scoped" }, ({ asked, responseValue, set }) => {
      if (asked) noteRequest(app, asked, answeredWith(responseValue, set.status));
    });
}

interface Door<C extends Caller> {
  permission: Permission;
  readsBody: boolean;
  /** Whether all behind it is the caller's own. */
  isOwn?: boolean;
  /** The caller as routes know them; refuses those the routes are not for. */
  admitted(caller: Caller): C;
}

const anybody = (caller: Caller): Caller => caller;

function requirePerson(caller: Caller): PersonCaller {
  const { userId, role, terms } = caller;
  if (userId !== undefined && role !== undefined && terms !== undefined)
    return { ...caller, userId, role, terms };
  throw new Refusal(
    "not_permitted",
    "This is for people, and an API key is nobody: log in with `POST /auth/login`, and use the token.",
  );
}

function lettingIn<C extends Caller>(app: App, { permission, readsBody, isOwn = false, admitted }: Door<C>) {
  const { identify, admit } = gate(app, permission, isOwn);
  return new Elysia({ name: "authenticated", seed: `${permission} ${readsBody} ${isOwn}` })
    .decorate("asked", nothingAsked)
    .derive({ as: "scoped" }, async (context) => {
      // Taken apart here: a context handed to a function makes Elysia parse cookies, query and headers for it.
      const { request, server, route, set } = context;
      const { caller, asked } = await identify(request, server, String(set.headers["x-request-id"]));
      context.asked = asked; // so that what is refused from here on has its log too
      admit(caller, asked, route, set.headers);
      const known = admitted(caller);
      if (readsBody && context.body === unreadBody) {
        asked.body = await readJson(request, app.config.server.maxBodyBytes);
        context.body = asked.body ?? {};
      }
      return { caller: known };
    })
    .onAfterHandle({ as: "scoped" }, ({ asked, responseValue, set }) => {
      if (asked) noteRequest(app, asked, answeredWith(responseValue, set.status));
    });
}

/** The two steps between a request and its route: who asks, and whether they may. */
function gate(app: App, permission: Permission, isOwn = false) {
  const takeRequest = requestLimit(app);
  const clientAddress = clientAddressReader(app.config.server.trustedProxies);
  return {
    async identify(request: Request, server: Connections | null, id: string) {
      const caller = await authenticate(app, request);
      return { caller, asked: askedBy(caller, request, id, clientAddress(request, server)) };
    },
    admit(caller: Caller, { method, address }: Asked, route: string, headers: AnswerHeaders): void {
      if (!isOwn && caller.role === "viewer" && method !== "GET" && method !== "HEAD") {
        throw new Refusal("not_permitted", "Your role in this team is viewer, and a viewer changes nothing.");
      }
      if (caller.networks) requireAllowedAddress(caller.networks, address);
      takeRequest(caller, `${method} ${route}`, headers);
      if (permission === "full_access" && caller.permission !== "full_access") {
        throw new Refusal("restricted_api_key", "This API key is restricted to only send emails");
      }
    },
  };
}

/** Reads the body of routes that need no caller, such as signing in. */
export const anonymous = (app: App) =>
  new Elysia({ name: "anonymous" }).derive({ as: "scoped" }, async (context) => {
    if (context.body === unreadBody) {
      context.body = (await readJson(context.request, app.config.server.maxBodyBytes)) ?? {};
    }
    return {};
  });

async function authenticate(app: App, request: Request): Promise<Caller> {
  const header = request.headers.get("authorization");
  if (!header) {
    throw new Refusal(
      "missing_api_key",
      "Missing API key in the authorization header. Include the following header `Authorization: Bearer YOUR_API_KEY` in the request.",
    );
  }
  const token = /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const caller =
    token === undefined
      ? undefined
      : token.startsWith("re_")
        ? await authenticateKey(app, token)
        : await authenticateSession(app, token);
  if (!caller) throw new Refusal("invalid_api_key", "API key is invalid");
  return caller;
}
