/** What waits in each lane, and what limits it, in one sentence. */
import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { isoTime } from "./explain.ts";
import { fullLane } from "./queue-filter.ts";
import { findSendingPause, listQueueLanes, type QueueLane } from "./queue-switches.ts";
import type { Site } from "./site.ts";
import { sitesOf } from "./sites.ts";

export interface LaneReport extends QueueLane {
  /** Deliveries that wait, and those of them whose time has come: no further than `countedInLane`. */
  waiting: number;
  due: number;
  /** Being attempted, on any node. */
  busy: number;
  /** Of this node; absent while it has had no business there. */
  connections?: { open: number; limit: number };
  /** What limits it now. */
  status: string;
}

/** Past this a longer lane reads the same. */
export const countedInLane = 1_000;

/** A page of lanes in which something waits or that are blocked, by name, and one more. */
export async function listLaneReports(
  app: App,
  page: { after?: string; limit: number },
): Promise<LaneReport[]> {
  const lanes = await listQueueLanes(app, page);
  const names = lanes.map(({ lane }) => fullLane(lane));
  const [depths, busy, pause] = await Promise.all([
    countInLanes(app.db, names, app.now()),
    countBusy(app.db),
    findSendingPause(app),
  ]);
  return lanes.map((lane, n) => {
    const site = sitesOf(app).find(lane.lane);
    const report = {
      ...lane,
      ...(depths.get(names[n]!) ?? { waiting: 0, due: 0 }),
      busy: busy.get(names[n]!) ?? 0,
      ...(site && { connections: { open: site.load.open, limit: site.limit } }),
    };
    return { ...report, status: describe(report, site, pause !== undefined, app.now()) };
  });
}

type Known = Omit<LaneReport, "status">;

function describe(lane: Known, site: Site | undefined, isStopped: boolean, now: Date): string {
  const { isPaused, blockedBy, blockedUntil, nextAt, busy, due } = lane;
  const why = blockedBy ? `: ${blockedBy.replace(/[.\s]+$/, "")}` : "";
  if (isPaused) return `Paused until somebody resumes it${why}.`;
  if (isStopped) return "Stands still, because all sending is paused.";
  if (blockedUntil) return `Blocked until ${isoTime(blockedUntil)}${why}.`;
  if (busy > 0) return `Sending now, ${limitsOf(site)}.`;
  if (due > 0) return `Waits for its turn, ${limitsOf(site)}.`;
  if (nextAt && nextAt > now) return `Nothing is due before ${isoTime(nextAt)}.`;
  return "Everything in it is held.";
}

function limitsOf(site: Site | undefined): string {
  if (!site) return "with the few connections that a destination begins with";
  const { limit, rate, load } = site;
  const connections = `over ${load.open} of ${limit} ${limit === 1 ? "connection" : "connections"} it may have`;
  return rate
    ? `${connections}, at ${rate.messages} messages in ${rate.perMs / 1_000} s at most`
    : connections;
}

async function countInLanes(
  db: Db,
  lanes: string[],
  now: Date,
): Promise<Map<string, { waiting: number; due: number }>> {
  const rows = await db.values<[string, number, number]>(
    sql`select l.value,
          (select count(*) from (select 1 from jobs where lane = l.value and node is null limit ${countedInLane})),
          (select count(*) from (select 1 from jobs where lane = l.value and node is null
             and run_at <= ${now.getTime()} limit ${countedInLane}))
        from json_each(${JSON.stringify(lanes)}) l`,
  );
  return new Map(rows.map(([lane, waiting, due]) => [lane, { waiting, due }]));
}

/** What is under way is no more than the nodes' permits. */
async function countBusy(db: Db): Promise<Map<string, number>> {
  const rows = await db.values<[string]>(sql`select lane from jobs where node >= ''`);
  const busy = new Map<string, number>();
  for (const [lane] of rows) busy.set(lane, (busy.get(lane) ?? 0) + 1);
  return busy;
}
