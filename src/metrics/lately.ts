import type { App } from "../app.ts";
import type { Granularity, Metric } from "./names.ts";
import { hourMs } from "./periods.ts";
import { getMetrics, type Metrics } from "./read.ts";

export interface Lately {
  hours: number;
  granularity: Extract<Granularity, "hourly" | "daily">;
  metrics: Metric[];
}

/** What was counted in the last whole hours or days of UTC, the present one with them, one by one. */
export async function getLately(
  app: App,
  teamId: string,
  { hours, granularity, metrics }: Lately,
): Promise<Metrics> {
  const now = app.now().getTime();
  const size = granularity === "hourly" ? hourMs : 24 * hourMs;
  const start = new Date((Math.floor(now / size) + 1) * size - hours * hourMs);
  return getMetrics(app, teamId, {
    ...{ startDate: start.toISOString(), timezone: "UTC", granularity, metrics },
    ...{ dimensions: ["period"], domainIds: [], emailIds: [], broadcastIds: [] },
  });
}
