import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import type { Caller } from "./auth.ts";

/** Requests of the second that has begun, by caller and endpoint. */
interface Counts {
  endsAt: number;
  taken: Map<string, number>;
}

export type AnswerHeaders = Record<string, string | number>;

const windowMs = 1_000;

const counts = new WeakMap<App, Counts>();

/**
 * Counts a request against `rateLimit.requestsPerSecond`, for each caller and endpoint on its own, tells the client in
 * the headers how it stands, and refuses what is too much. All counts end together with their second: the memory holds
 * no more callers than have asked in one second, and nothing has to be looked for to be forgotten.
 */
export function requestLimit(app: App) {
  const { enabled, requestsPerSecond: most } = app.config.rateLimit;
  const limit = String(most);
  const policy = `${most};w=1`;

  return (caller: Caller, endpoint: string, headers: AnswerHeaders): void => {
    if (!enabled) return;
    const { taken } = countsOf(app);
    const who = `${caller.keyId ?? `${caller.teamId} ${caller.userId}`} ${endpoint}`;
    const before = taken.get(who) ?? 0;
    headers["ratelimit-limit"] = limit;
    headers["ratelimit-policy"] = policy;
    headers["ratelimit-remaining"] = String(Math.max(0, most - before - 1));
    headers["ratelimit-reset"] = "1"; // in whole seconds, as no second is longer
    if (before < most) {
      taken.set(who, before + 1);
      return;
    }
    headers["retry-after"] = "1";
    throw new Refusal(
      "rate_limit_exceeded",
      `Too many requests. You can only make ${most} requests per second. See rate limit response headers for more information. Or contact support to increase rate limit.`,
    );
  };
}

function countsOf(app: App): Counts {
  const now = app.now().getTime();
  const current = counts.get(app);
  // A clock that was set back must not keep an old second alive.
  if (current && now < current.endsAt && now >= current.endsAt - windowMs) return current;
  const next = { endsAt: now + windowMs, taken: new Map<string, number>() };
  counts.set(app, next);
  return next;
}
