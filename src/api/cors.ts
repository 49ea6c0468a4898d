/** What pages may read of an answer besides its body. */
const exposed =
  "ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, x-request-id";

interface Asking {
  request: Request;
  set: { headers: Record<string, unknown> };
}

/**
 * Lets pages of the origins call the API, `*` meaning any page, and answers the preflights browsers send before, which
 * carry no key. Credentials are never allowed: callers show who they are with a key, so that no page can borrow the
 * cookies of somebody who is logged in to the admin. Not @elysiajs/cors: it takes every OPTIONS request for a preflight
 * and adds a route for every path, so that an unknown one would be a wrong method.
 */
export function letPagesCall(origins: readonly string[]): (asking: Asking) => Response | undefined {
  const isAny = origins.includes("*");
  const allowed = new Set(origins);
  return ({ request, set: { headers } }) => {
    if (!isAny) headers.vary = "Origin"; // said to everybody: caches must not hand one origin's answer to another
    const origin = request.headers.get("origin");
    if (origin === null || !(isAny || allowed.has(origin))) return undefined;
    headers["access-control-allow-origin"] = isAny ? "*" : origin;
    headers["access-control-expose-headers"] = exposed;
    const method = request.headers.get("access-control-request-method");
    return request.method === "OPTIONS" && method !== null ? preflight(request, headers) : undefined;
  };
}

function preflight(request: Request, { vary, ...headers }: Record<string, unknown>): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": String(headers["access-control-allow-origin"]),
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      // Which headers there are is for the routes to say; `*` would leave out `authorization`.
      "access-control-allow-headers":
        request.headers.get("access-control-request-headers") ?? "authorization",
      "access-control-max-age": "7200",
      vary: [...(vary === undefined ? [] : [vary]), "Access-Control-Request-Headers"].join(", "),
    },
  });
}
