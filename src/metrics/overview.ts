/** How things stand at this moment, in figures that cost the same however much was sent: what a person looks at first. */
import { statfs } from "node:fs/promises";
import { isOperator } from "../accounts/service.ts";
import type { App } from "../app.ts";
import { findSendingPause } from "../delivery/queue-switches.ts";
import type { Domain } from "../domains/schema.ts";
import { listDomains } from "../domains/service.ts";
import { deliver } from "../emails/jobs.ts";
import { getEmails } from "../emails/read.ts";
import { countLeases, type Depth, listDepths } from "../jobs/depth.ts";
import type { Pause } from "../jobs/schema.ts";
import { listTeamKeys } from "../keys/service.ts";
import { perApp } from "../per-app.ts";
import type { Webhook } from "../webhooks/schema.ts";
import { getWebhooks } from "../webhooks/service.ts";
import { getLately } from "./lately.ts";
import type { Metric } from "./names.ts";
import { type Problem, recentProblems } from "./problems.ts";
import type { Metrics } from "./read.ts";

export interface Overview {
  now: Date;
  /** The last 24 hours, by hour. */
  day: Metrics;
  /** The last 30 days, by day; up to five seconds old. */
  month: Metrics;
  /** Since when and why nothing is sent. */
  pause: Pause | undefined;
  /** What concerns all teams, for the operator's alone. */
  server: ServerState | undefined;
  domains: Pick<Domain, "id" | "name" | "status" | "verifiedAt">[];
  webhooks: Pick<Webhook, "id" | "endpoint" | "status" | "failingSince" | "disabledReason">[];
  /** Newest first. */
  problems: Problem[];
  /** What a new team has done of what it takes to send. */
  steps: { domain: boolean; verified: boolean; key: boolean; email: boolean };
}

export interface ServerState {
  queue: Depth;
  /** Deliveries and other work that any node has under way. */
  busy: number;
  threads: { threads: number; tasks: number };
  /** Of the disk that has the data folder; absent where the system does not say. */
  disk?: { freeBytes: number; totalBytes: number };
}

/** The outcomes of a recipient and what people did, and the rates that receivers judge a sender by. */
export const overviewMetrics = [
  ...["sent", "delivered", "delivery_delayed", "bounced", "failed", "complained", "suppressed"],
  ...["unique_opened", "unique_clicked", "delivery_rate", "bounce_rate", "complaint_rate", "open_rate"],
] as Metric[];

const mostShown = 100;

export async function getOverview(app: App, teamId: string): Promise<Overview> {
  const now = app.now();
  const [day, month, pause, server, domains, webhooks, keys, emails] = await Promise.all([
    getLately(app, teamId, { hours: 24, granularity: "hourly", metrics: overviewMetrics }),
    lastMonth(app, teamId),
    findSendingPause(app),
    serverState(app, teamId),
    listDomains(app, teamId, { limit: mostShown }),
    getWebhooks(app, teamId, { limit: mostShown }),
    listTeamKeys(app, teamId, { limit: 1 }),
    getEmails(app, teamId, { limit: 1 }),
  ]);
  return {
    ...{ now, day, month, pause, server, domains, webhooks },
    problems: await problemsOf(app, teamId, day),
    steps: {
      domain: domains.length > 0,
      verified: domains.some(({ verifiedAt }) => verifiedAt !== null),
      key: keys.length > 0,
      email: emails.length > 0,
    },
  };
}

const keptMs = 5_000;
const mostKept = 1_000;
const monthsOf = perApp((): Map<string, { until: number; value: Promise<Metrics> }> => new Map());

/** A month of many domains is many counters, and open pages ask each second for what hardly changes. */
function lastMonth(app: App, teamId: string): Promise<Metrics> {
  const kept = monthsOf(app);
  const known = kept.get(teamId);
  if (known && app.now().getTime() < known.until) return known.value;
  const value = getLately(app, teamId, { hours: 30 * 24, granularity: "daily", metrics: overviewMetrics });
  kept.delete(teamId);
  kept.set(teamId, { until: app.now().getTime() + keptMs, value });
  if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
  value.catch(() => kept.get(teamId)?.value === value && kept.delete(teamId));
  return value;
}

const problemsKept = perApp((): Map<string, { key: string; value: Promise<Problem[]> }> => new Map());

/** Looked for anew when a counter of theirs has moved. */
function problemsOf(app: App, teamId: string, { totals, start }: Metrics): Promise<Problem[]> {
  const { bounced = 0, failed = 0, complained = 0 } = totals;
  if (bounced + failed + complained === 0) return Promise.resolve([]);
  const key = `${start.getTime()} ${bounced} ${failed} ${complained}`;
  const kept = problemsKept(app);
  const known = kept.get(teamId);
  if (known?.key === key) return known.value;
  const value = recentProblems(app.db, teamId, start);
  kept.delete(teamId);
  kept.set(teamId, { key, value });
  if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
  value.catch(() => kept.get(teamId)?.value === value && kept.delete(teamId));
  return value;
}

async function serverState(app: App, teamId: string): Promise<ServerState | undefined> {
  if (!(await isOperator(app, teamId))) return undefined;
  const [depths, busy, disk] = await Promise.all([
    listDepths(app, [deliver.name]),
    countLeases(app),
    diskOf(app.config.dataDir),
  ]);
  return { queue: depths[0]!, busy, threads: app.threads.load(), ...(disk && { disk }) };
}

async function diskOf(folder: string): Promise<ServerState["disk"]> {
  const found = await statfs(folder).catch(() => undefined);
  if (!found || found.blocks === 0) return undefined;
  return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
}
