import type { App } from "../app.ts";
import { perApp } from "../per-app.ts";

interface Failures {
  count: number;
  /** Until then no further attempt is looked at. */
  blockedUntil: number;
}

const longestWaitMs = 60_000;
const forgottenAfterMs = 900_000;
const mostKept = 10_000;

/**
 * How long whoever goes by any of the names has to wait before another attempt is looked at: 1 second after the first
 * failure, then 2, 4 and so on up to a minute. 0 where nothing is to be waited for.
 */
export function secondsToWait(app: App, names: string[]): number {
  if (!app.config.rateLimit.enabled) return 0;
  const now = app.now().getTime();
  const known = failuresOf(app);
  const until = Math.max(...names.map((name) => known.get(name)?.blockedUntil ?? 0));
  return Math.max(0, Math.ceil((until - now) / 1_000));
}

export function noteFailedLogin(app: App, names: string[]): void {
  const now = app.now().getTime();
  const known = failuresOf(app);
  for (const name of names) {
    const before = known.get(name);
    const isOver = !before || now - before.blockedUntil > forgottenAfterMs;
    const count = isOver ? 1 : before.count + 1;
    known.delete(name); // and set again below: whoever came last is the last to be forgotten
    known.set(name, { count, blockedUntil: now + Math.min(longestWaitMs, 1_000 * 2 ** (count - 1)) });
    if (known.size > mostKept) known.delete(known.keys().next().value!);
  }
}

export function forgetFailedLogins(app: App, names: string[]): void {
  const known = failuresOf(app);
  for (const name of names) known.delete(name);
}

const failuresOf = perApp((): Map<string, Failures> => new Map());
