/** How an endpoint has been doing, and how many calls it may have at once: one that fails or dawdles must not fill the permits. */
import type { App } from "../app.ts";
import type { LaneAllowance } from "../jobs/job.ts";
import { perApp } from "../per-app.ts";

const firstCalls = 5;
const mostCalls = 25;
/** Of one whose answers take long: a team's hundred endpoints must not hold most of the permits with them. */
const slowCalls = 2;
const slowMs = 2_000;
/** Failures in a row, from which on an endpoint rests between calls: one that is down needs no crowd to say so. */
const failuresBeforeRest = 5;
const firstRestMs = 1_000;
const longestRestMs = 60_000;

interface Health {
  calls: number;
  /** In a row. */
  failures: number;
  restsUntil: Date | undefined;
}

// Of this process: another node learns for itself, and a restart may ask again.
const healthsOf = perApp((): Map<string, Health> => new Map<string, Health>());

/** What a lane of calls may have under way; for the dispatcher. */
export function allowanceOf(app: App, webhookId: string): LaneAllowance {
  const health = healthsOf(app).get(webhookId);
  if (!health) return { jobs: firstCalls };
  const { calls, failures, restsUntil } = health;
  if (restsUntil && restsUntil > app.now()) {
    return { until: restsUntil, by: `the endpoint rests after ${failures} failed calls in a row` };
  }
  return { jobs: calls };
}

export function noteCall(
  app: App,
  webhookId: string,
  { isSuccess, durationMs }: { isSuccess: boolean; durationMs: number },
): void {
  const healths = healthsOf(app);
  const health = healths.get(webhookId) ?? { calls: firstCalls, failures: 0, restsUntil: undefined };
  healths.set(webhookId, health);
  if (isSuccess) {
    const fewer = Math.max(slowCalls, Math.floor(health.calls / 2));
    health.calls = Math.min(durationMs >= slowMs ? fewer : health.calls + 1, mostCalls);
    health.failures = 0;
    health.restsUntil = undefined;
    return;
  }
  health.calls = Math.max(1, Math.floor(health.calls / 2));
  health.failures += 1;
  if (health.failures < failuresBeforeRest) return;
  const restMs = Math.min(firstRestMs * 2 ** (health.failures - failuresBeforeRest), longestRestMs);
  health.restsUntil = new Date(app.now().getTime() + restMs);
}

/** An endpoint that was changed, or that somebody wants called now, begins anew. */
export function forgetHealth(app: App, webhookId: string): void {
  healthsOf(app).delete(webhookId);
}
