import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { isStorageUnavailable, Refusal } from "../errors.ts";
import { newIdAt } from "../ids.ts";
import { noteRequest } from "../logs/record.ts";
import { unreadBody } from "./auth.ts";
import { letPagesCall } from "./cors.ts";
import { type ErrorBody, errorAnswers } from "./errors.ts";
import { describeMistake } from "./mistakes.ts";
import { nothingAsked } from "./request-log.ts";
import { isPathOf, pathOf, requireReadablePath } from "./request-path.ts";

/** What every door of the HTTP server stands on: request ids, bodies read late, and errors as the contract has them. */
export function makeServer(app: App) {
  // By default Elysia looks for the path behind the eleventh character, and answers for another where the host's name
  // has fewer than four, as in `http://api/`.
  const server = new Elysia({
    normalize: false,
    handler: { standardHostname: false },
    serve: { development: false }, // else Bun answers a fault with a page that shows its source
  }).decorate("asked", nothingAsked);
  const otherMethods = ({ method, url }: Request): string[] => {
    const path = pathOf(url);
    const routes = server.routes.filter((route) => route.method !== method && isPathOf(route.path, path));
    return [...new Set(routes.map((route) => route.method))];
  };
  const { corsOrigins } = app.config.server;
  if (corsOrigins.length > 0) server.onRequest(letPagesCall(corsOrigins));
  if (app.log.isLevelEnabled("debug")) {
    server.onAfterResponse({ as: "global" }, ({ request, set }) => {
      const { method, url } = request;
      const status = set.status ?? 200;
      app.log.debug(
        { request: set.headers["x-request-id"], method, path: pathOf(url), status },
        "a request was answered",
      );
    });
  }
  return (
    server
      // Comes before the `parse: "json"` of routes with a body, which is there for the OpenAPI document alone.
      .onParse({ as: "global" }, () => unreadBody)
      .onRequest(({ request, set }) => {
        set.headers["x-request-id"] = newIdAt(app.now());
        set.headers["content-type"] = "application/json; charset=utf-8"; // what is not JSON says so itself
        requireReadablePath(request.url);
      })
      .onError({ as: "global" }, ({ error, code, request, set, route, asked }) => {
        const allowed = code === "NOT_FOUND" ? otherMethods(request) : [];
        if (allowed.length > 0) set.headers.allow = allowed.join(", ");
        const answer = toErrorBody(error, code, allowed.length > 0);
        if (answer.statusCode >= 500) {
          const { method, url } = request;
          app.log.error(
            { err: error, request: set.headers["x-request-id"], method, path: pathOf(url), route },
            "a request failed",
          );
        }
        set.status = answer.statusCode;
        if (asked) noteRequest(app, asked, { status: answer.statusCode, body: answer });
        if (answer.statusCode === 401) set.headers["www-authenticate"] = 'Bearer realm=""';
        return answer;
      })
  );
}

function toErrorBody(error: unknown, code: unknown, isOtherMethod: boolean): ErrorBody {
  if (error instanceof Refusal) return answerOf(error);
  if (isStorageUnavailable(error)) {
    return answerOf(
      new Refusal(
        "service_unavailable",
        "The server can't store anything right now. Nothing was sent; try again later.",
      ),
    );
  }
  if (code === "NOT_FOUND") {
    return isOtherMethod
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
