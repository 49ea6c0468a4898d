import type { App } from "../app.ts";
import { sourceOf } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { perApp } from "../per-app.ts";

interface Allowance {
  left: number;
  at: number;
}

const minuteMs = 60_000;
const mostAddresses = 10_000;

/**
 * Takes one attempt to log in or register from an address's allowance, `rateLimit.loginsPerMinute`, and refuses when
 * none is left; it comes back evenly over the minute. By address; `guesses.ts` counts by account.
 */
export function takeAttempt(app: App, address: string): void {
  const { enabled, loginsPerMinute: most } = app.config.rateLimit;
  if (!enabled) return;
  const known = allowancesOf(app);
  const now = app.now().getTime();
  const key = sourceOf(address);
  const { left, at } = known.get(key) ?? { left: most, at: now };
  const current = Math.min(most, left + (Math.max(0, now - at) * most) / minuteMs);

  known.delete(key); // and set again below: whoever came last is the last to be forgotten
  known.set(key, { left: current < 1 ? current : current - 1, at: now });
  if (known.size > mostAddresses) {
    const [oldest] = known.keys();
    known.delete(oldest!);
  }
  if (current < 1)
    throw new Refusal("rate_limit_exceeded", "Too many attempts to log in. Try again in a minute.");
}

const allowancesOf = perApp((): Map<string, Allowance> => new Map());
