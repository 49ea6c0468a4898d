import type { App } from "../app.ts";
import type { LaneAllowance } from "../jobs/job.ts";
import type { Site } from "./site.ts";
import { sitesOf } from "./sites.ts";

/** For a lane whose hosts nobody has asked yet. */
const jobsOfUnknownLane = 5;

/** How many deliveries of a lane may be under way: what its site's connections and rate have room for. */
export function allowanceOf(app: App, lane: string): LaneAllowance {
  const site = sitesOf(app).find(lane);
  if (!site) return { jobs: jobsOfUnknownLane };
  const now = app.now();
  const nextAt = site.rate?.nextAt(now) ?? now;
  return nextAt > now ? { until: nextAt, by: rateLimiter(site) } : { jobs: site.jobsAtOnce(now) };
}

/** The limiter's name as an operator reads it. */
export function rateLimiter({ name, rate }: Site): string {
  return `rate: ${name} gets ${rate?.messages} messages in ${(rate?.perMs ?? 0) / 1_000} s`;
}
