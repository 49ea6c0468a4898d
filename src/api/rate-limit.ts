import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { countRequest } from "../keys/request-count.ts";
import type { Caller } from "./auth.ts";

export type AnswerHeaders = Record<string, string | number>;

/** Counts requests, tells clients in the headers how they stand, and refuses what is too much. */
export function requestLimit(app: App) {
  const { enabled, requestsPerSecond: most } = app.config.rateLimit;
  const limit = String(most);
  const policy = `${most};w=1`;

  return (caller: Caller, endpoint: string, headers: AnswerHeaders): void => {
    if (!enabled) return;
    const left = countRequest(app, caller.keyId ?? `${caller.teamId} ${caller.userId}`, endpoint);
    headers["ratelimit-limit"] = limit;
    headers["ratelimit-policy"] = policy;
    headers["ratelimit-remaining"] = String(Math.max(0, left));
    headers["ratelimit-reset"] = "1"; // in whole seconds, as no second is longer
    if (left >= 0) return;
    headers["retry-after"] = "1";
    throw new Refusal(
      "rate_limit_exceeded",
      `Too many requests. You can only make ${most} requests per second. See rate limit response headers for more information. Or contact support to increase rate limit.`,
    );
  };
}
