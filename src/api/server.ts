import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { Refusal, StorageUnavailable } from "../errors.ts";
import { newId } from "../ids.ts";
import { unreadBody } from "./auth.ts";
import { type ErrorBody, errorAnswers, rootCause } from "./errors.ts";
import { describeMistake } from "./mistakes.ts";

/** What every door of the HTTP server stands on: request ids, bodies read late, and errors as the contract has them. */
export function makeServer(app: App) {
  const requestIds = new WeakMap<Request, string>();
  // By default Elysia looks for the path behind the eleventh character, and answers for another where the host's name
  // has fewer than four, as in `http://api/`.
  const server = new Elysia({
    normalize: false,
    handler: { standardHostname: false },
    serve: { development: false }, // else Bun answers a fault with a page that shows its source
  });
  const allowsOtherMethod = ({ method, url }: Request): boolean => {
    const path = pathOf(url);
    return server.routes.some((route) => route.method !== method && matches(route.path, path));
  };
  if (app.log.isLevelEnabled("debug")) {
    server.onAfterResponse({ as: "global" }, ({ request, set }) => {
      const { method, url } = request;
      const status = set.status ?? 200;
      app.log.debug(
        { request: requestIds.get(request), method, path: pathOf(url), status },
        "a request was answered",
      );
    });
  }
  return (
    server
      // Comes before the `parse: "json"` of routes with a body, which is there for the OpenAPI document alone.
      .onParse({ as: "global" }, () => unreadBody)
      .onRequest(({ request, set }) => {
        const id = newId();
        requestIds.set(request, id);
        set.headers["x-request-id"] = id;
        set.headers["content-type"] = "application/json; charset=utf-8"; // what is not JSON says so itself
      })
      .onError({ as: "global" }, ({ error, code, request, set, route }) => {
        const answer = toErrorBody(error, code, () => allowsOtherMethod(request));
        if (answer.statusCode >= 500) {
          const { method, url } = request;
          app.log.error(
            { err: error, request: requestIds.get(request), method, path: pathOf(url), route },
            "a request failed",
          );
        }
        set.status = answer.statusCode;
        if (answer.statusCode === 401) set.headers["www-authenticate"] = 'Bearer realm=""';
        return answer;
      })
  );
}

function toErrorBody(error: unknown, code: unknown, otherMethod: () => boolean): ErrorBody {
  const cause = rootCause(error);
  if (cause instanceof Refusal) return answerOf(cause);
  if (cause instanceof StorageUnavailable) {
    return answerOf(
      new Refusal(
        "service_unavailable",
        "The server can't store anything right now. Nothing was sent; try again later.",
      ),
    );
  }
  if (code === "NOT_FOUND") {
    return otherMethod()
      ? answerOf(new Refusal("method_not_allowed", "Method is not allowed for the requested path."))
      : answerOf(new Refusal("not_found", "The requested endpoint does not exist"));
  }
  if (code === "VALIDATION") return answerOf(describeMistake(error));
  return { statusCode: 500, name: "internal_server_error", message: "An unexpected error occurred." };
}

function answerOf(refusal: Refusal): ErrorBody {
  const { status, name } = errorAnswers[refusal.code];
  return { statusCode: status, name, message: refusal.message };
}

/** The path of a request. Its host is whatever the `Host` header says, so the whole need not be a URL. */
function pathOf(url: string): string {
  return /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] || "/";
}

/** Whether a path is one of a route's, `/emails/:id` being the route's of `/emails/1`. */
function matches(route: string, path: string): boolean {
  const [wanted, given] = [route, path].map((text) => text.replace(/(?<=.)\/$/, "").split("/")) as [
    string[],
    string[],
  ];
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) => segment.startsWith(":") || segment === given[index])
  );
}
