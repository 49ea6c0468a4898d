import type { App } from "../app.ts";

/** Requests of the second that has begun, by caller and endpoint. */
interface Counts {
  endsAt: number;
  taken: Map<string, number>;
}

const windowMs = 1_000;

const counts = new WeakMap<App, Counts>();

/**
 * Counts a request against `rateLimit.requestsPerSecond`, for each caller and endpoint on its own, whichever door it
 * came through. Gives how many are left after it in this second; less than 0: it is one too many, and was not counted.
 * All counts end together with their second: the memory holds no more callers than have asked in one second, and
 * nothing has to be looked for to be forgotten.
 */
export function countRequest(app: App, caller: string, endpoint: string): number {
  const { taken } = countsOf(app);
  const who = `${caller} ${endpoint}`;
  const before = taken.get(who) ?? 0;
  const left = app.config.rateLimit.requestsPerSecond - before - 1;
  if (left >= 0) taken.set(who, before + 1);
  return left;
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
