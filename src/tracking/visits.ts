/** Visits wait here for a few seconds: nobody is kept waiting for a disk, and a scanner that clicks everything is seen whole. */
import type { App } from "../app.ts";
import { StorageUnavailable } from "../errors.ts";
import { perApp } from "../per-app.ts";
import type { Visit } from "./classify.ts";
import { settleVisits } from "./settle.ts";

/** Of one delivery, by what was visited and by who did; the same visit is here once, however often it is made. */
interface Group {
  /** When the first came, on the clock of the process. */
  since: number;
  visits: Map<string, Map<string, Visit>>;
}

interface Waiting {
  groups: Map<string, Group>;
  /** About the bytes that all of them take. */
  size: number;
  settling: Promise<void> | undefined;
  later: ReturnType<typeof setTimeout> | undefined;
  /** Whether it was said that visits are being lost; once until they are written again. */
  isWarned: boolean;
}

const holdMs = 4_000;
const retryMs = 2_000;
/** How long a batch that is being written keeps the next from being looked for. */
const busyMs = 50;
const groupsPerBatch = 200;
const mostSize = 32_000_000;
/** Of one pixel or link within a few seconds: whoever makes up more must not crowd out the others' visits. */
const mostVisitors = 10;
const mostOfText = 512;

/** Takes note of a visit. Costs no write, and never fails whoever makes it. */
export function noteVisit(app: App, visit: Visit): void {
  const waiting = waitingOf(app);
  const group = waiting.groups.get(visit.deliveryId) ?? { since: performance.now(), visits: new Map() };
  const what = `${visit.kind} ${visit.url ?? ""}`;
  const visitors = group.visits.get(what) ?? new Map<string, Visit>();
  const userAgent = visit.userAgent.slice(0, mostOfText);
  const who = `${visit.isHead === true} ${visit.address} ${userAgent}`;
  if (visitors.has(who) || visitors.size >= mostVisitors) return;
  if (waiting.size >= mostSize) {
    warnOfLoss(app, waiting, "they come faster than they can be written");
    return;
  }
  const kept = { ...visit, userAgent };
  waiting.size += sizeOf(kept);
  visitors.set(who, kept);
  group.visits.set(what, visitors);
  waiting.groups.set(visit.deliveryId, group);
  waiting.later ??= setTimeout(() => void settleDue(app, waiting), holdMs).unref();
}

/** With what keeping it costs besides. */
const sizeOf = ({ url = "", userAgent }: Visit): number => 2 * url.length + 2 * userAgent.length + 500;

/** Writes down all that waits; when the program ends. */
export async function flushVisits(app: App): Promise<void> {
  const waiting = waitingOf(app);
  while (waiting.settling) await waiting.settling;
  await settleUntil(app, waiting, Number.POSITIVE_INFINITY);
}

async function settleDue(app: App, waiting: Waiting): Promise<void> {
  waiting.later = undefined;
  if (!waiting.settling) await settleUntil(app, waiting, performance.now() - holdMs);
  const [oldest] = waiting.groups.values(); // a Map keeps the order of arrival
  if (!oldest) return;
  const inMs = Math.max(oldest.since + holdMs - performance.now(), waiting.isWarned ? retryMs : busyMs);
  waiting.later ??= setTimeout(() => void settleDue(app, waiting), inMs).unref();
}

/** Settles what came up to then, batch after batch, by one at a time. */
function settleUntil(app: App, waiting: Waiting, until: number): Promise<void> {
  waiting.settling = settleBatches(app, waiting, until).finally(() => {
    waiting.settling = undefined;
  });
  return waiting.settling;
}

async function settleBatches(app: App, waiting: Waiting, until: number): Promise<void> {
  for (;;) {
    const batch = new Map<string, Visit[]>();
    for (const [id, { since, visits }] of waiting.groups) {
      if (since > until || batch.size === groupsPerBatch) break;
      const all = [...visits.values()].flatMap((visitors) => [...visitors.values()]);
      batch.set(id, all);
      waiting.groups.delete(id);
      for (const visit of all) waiting.size -= sizeOf(visit);
    }
    if (batch.size === 0) return;
    const unsettled = await settleVisits(app, batch).catch((reason: unknown) =>
      [...batch.values()].map((visits) => ({ visits, reason })),
    );
    if (unsettled.length === 0) waiting.isWarned = false;
    for (const { visits, reason } of unsettled) keepForLater(app, waiting, visits, reason);
    // What can't be written now is no reason to go on asking.
    if (unsettled.some(({ reason }) => reason instanceof StorageUnavailable)) return;
  }
}

/** Once the disk takes writes again these are written too; a fault would only come again. */
function keepForLater(app: App, waiting: Waiting, visits: Visit[], reason: unknown): void {
  warnOfLoss(app, waiting, reason);
  if (!(reason instanceof StorageUnavailable)) return;
  for (const visit of visits) noteVisit(app, visit);
}

function warnOfLoss(app: App, waiting: Waiting, err: unknown): void {
  if (waiting.isWarned) return;
  waiting.isWarned = true;
  app.log.warn({ err }, "opens and clicks can't be written down now; links lead on all the same");
}

const waitingOf = perApp(
  (): Waiting => ({ groups: new Map(), size: 0, settling: undefined, later: undefined, isWarned: false }),
);
