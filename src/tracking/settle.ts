/** Deciding what visits come to: which are told as events, and which of them is a recipient's first. */
import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { providerOf } from "../delivery/site-policy.ts";
import { WriteConflict } from "../errors.ts";
import { type NewEvent, recordMany } from "../events/record.ts";
import { linkId } from "../mail/html-links.ts";
import { metersOf } from "../meters.ts";
import { perApp } from "../per-app.ts";
import { type Judged, judgeVisits, type Visit } from "./classify.ts";
import { Recently } from "./recently.ts";
import type { Engagement } from "./schema.ts";
import { listVisited, replaceEngagement, showVisit, type VisitedDelivery } from "./store.ts";

interface Memory {
  /** What was told lately: the same from the same is no news for a minute. */
  told: Recently;
  /** Which addresses have clicked everything in a message lately. */
  bursts: Recently;
}

const minuteMs = 60_000;
const roomForKeys = 50_000;

/** Events of people, and of machines, that one delivery has at most; a person's first open and click come besides. */
const mostEvents = 100;

/** Writes down the visits of deliveries, each delivery's in a batch of its own. Gives those that could not be written. */
export async function settleVisits(
  app: App,
  groups: Map<string, Visit[]>,
): Promise<{ visits: Visit[]; reason: unknown }[]> {
  const found = await listVisited(app.db, [...groups.keys()]);
  const settled = await Promise.allSettled(
    // A delivery that is gone has nobody to tell of.
    [...found].map(([id, visited]) => settleDelivery(app, visited, groups.get(id)!)),
  );
  return [...found.keys()].flatMap((id, n) => {
    const result = settled[n]!;
    return result.status === "rejected" ? [{ visits: groups.get(id)!, reason: result.reason }] : [];
  });
}

async function settleDelivery(app: App, visited: VisitedDelivery, visits: Visit[]): Promise<void> {
  const { told, bursts } = memoryOf(app);
  const now = app.now();
  const { id } = visited.delivery;
  const judged = judgeVisits(visits, { ...visited.delivery, links: visited.links }, (address) =>
    bursts.has(`${id} ${address}`, now),
  );
  for (const { visit, verdict } of judged) {
    if (verdict.reason === "all_links_at_once") bursts.add(`${id} ${visit.address}`, now);
  }
  const news = new Map<string, Judged>();
  for (const each of judged) {
    const { kind, url } = each.visit;
    // By a link's id, for an address may take 8 KB, and tens of thousands of keys are remembered.
    const key = `${id} ${kind} ${each.verdict.isBot} ${url === undefined ? "" : linkId(url)}`;
    if (!told.has(key, now) && !news.has(key)) news.set(key, each);
  }
  if (news.size === 0) return;
  await tell(app, visited, [...news.values()]);
  for (const key of news.keys()) told.add(key, now);
}

/** Tells of visits exactly once, though another node may be telling of the same delivery. */
async function tell(app: App, first: VisitedDelivery, judged: Judged[]): Promise<void> {
  for (let visited: VisitedDelivery | undefined = first; visited; ) {
    const { engagement, events, told } = eventsOf(visited, judged);
    if (events.length === 0) return;
    const was = visited.engagement ?? { byPeople: 0, byMachines: 0 };
    const { emailId } = visited.delivery;
    const byPeople = new Set(judged.flatMap(({ visit, verdict }) => (verdict.isBot ? [] : [visit.kind])));
    const writes = [
      replaceEngagement(engagement, was),
      expectChange(),
      ...[...byPeople].map((kind) => showVisit(emailId, kind)),
      ...recordMany(app, events),
    ];
    try {
      await atomically(app, writes, { isPatient: true });
      for (const { kind, isBot } of told) metersOf(app).visited(kind, isBot ? "machine" : "person");
      return;
    } catch (error) {
      if (!(error instanceof WriteConflict && error.kind === "stale")) throw error;
    }
    const { id }: VisitedDelivery["delivery"] = visited.delivery;
    visited = (await listVisited(app.db, [id])).get(id);
  }
}

/** The events that visits come to, and the engagement once they are told. */
function eventsOf(
  { delivery, domainId, broadcastId, tags, engagement }: VisitedDelivery,
  judged: Judged[],
): { engagement: Engagement; events: NewEvent[]; told: { kind: Visit["kind"]; isBot: boolean }[] } {
  const row: Engagement = engagement
    ? { ...engagement }
    : { deliveryId: delivery.id, openedAt: null, clickedAt: null, byPeople: 0, byMachines: 0 };
  const { id: deliveryId, teamId, emailId, recipient, mxHost } = delivery;
  const provider = providerOf(mxHost);
  const told: { kind: Visit["kind"]; isBot: boolean }[] = [];
  const events = judged.flatMap(({ visit, verdict }): NewEvent[] => {
    const { kind, at } = visit;
    const side = verdict.isBot ? "byMachines" : "byPeople";
    const firstAt = kind === "opened" ? "openedAt" : "clickedAt";
    const isFirst = !verdict.isBot && row[firstAt] === null;
    if (!isFirst && row[side] >= mostEvents) return [];
    row[side]++;
    if (isFirst) row[firstAt] = at;
    told.push({ kind, isBot: verdict.isBot });
    return [
      {
        type: `email.${kind}`,
        ...{ teamId, emailId, deliveryId, recipient, domainId, broadcastId, provider, tags },
        counts: isFirst ? [`email.unique_${kind}`] : [],
        data: dataOf({ visit, verdict }),
      },
    ];
  });
  return { engagement: row, events, told };
}

/** `click` is as the contract has it (section 22), `open` the same without a link; the rest is ours. */
function dataOf({ visit, verdict }: Judged): Record<string, unknown> {
  const { kind, url, address, userAgent, at } = visit;
  const about = { ipAddress: address, timestamp: at.toISOString(), userAgent };
  return {
    ...(kind === "clicked" ? { click: { ...about, link: url } } : { open: about }),
    is_bot: verdict.isBot,
    bot_reason: verdict.reason,
    ...(verdict.name !== undefined && { [verdict.isBot ? "bot_name" : "via"]: verdict.name }),
  };
}

const memoryOf = perApp(
  (): Memory => ({ told: new Recently(minuteMs, roomForKeys), bursts: new Recently(minuteMs, roomForKeys) }),
);
