/** Which lane each recipient's domain waits in: its own, until the delivery room has found out which hosts it shares. */
import type { App } from "../app.ts";

const keptMs = 3_600_000;
const maxKept = 50_000;

const lanesByApp = new WeakMap<App, Map<string, { lane: string; until: number }>>();

/** The lane for a new delivery to a domain. A guess that is wrong costs a move, nothing else. */
export function laneForDomain(app: App, domain: string): string {
  const known = lanesByApp.get(app)?.get(domain);
  return known && app.now().getTime() < known.until ? known.lane : domain;
}

/** Told by an attempt that found the domain's hosts. */
export function rememberLane(app: App, domain: string, lane: string): void {
  let lanes = lanesByApp.get(app);
  if (!lanes) {
    lanes = new Map();
    lanesByApp.set(app, lanes);
  }
  lanes.delete(domain);
  lanes.set(domain, { lane, until: app.now().getTime() + keptMs });
  if (lanes.size > maxKept) lanes.delete(lanes.keys().next().value!);
}
