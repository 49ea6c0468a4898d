/** metrics/ answers how sending goes, from what was counted as it happened: nothing here ever counts rows. */
import type { App } from "../app.ts";
import { listBroadcastNames } from "../broadcasts/store.ts";
import { listDomainNames } from "../domains/store.ts";
import { Refusal } from "../errors.ts";
import { hasMoreEmailCounters, listEmailCounters, walkEmailCounters } from "./email-store.ts";
import { type Group, Groups, tooMany } from "./groups.ts";
import { addUp, type Counts, type Dimension, type Granularity, type Metric, metricOf } from "./names.ts";
import { dayMs, hourMs, type Periods, periodsOf } from "./periods.ts";
import { type Range, readRange } from "./range.ts";
import {
  type Counted,
  type CounterGrain,
  countedPart,
  type Tag,
  type TimeGrain,
  walkCounters,
  walkProviders,
} from "./store.ts";
import { summedUntil } from "./sums.ts";
import { listTagNames, walkTag } from "./tag-store.ts";

export interface MetricsQuery {
  startDate?: string;
  endDate?: string;
  timezone: string;
  granularity: Granularity;
  metrics: Metric[];
  dimensions: Dimension[];
  /** Of these alone; of all when empty. */
  domainIds: string[];
  emailIds: string[];
  broadcastIds: string[];
  /** Of emails with this tag alone, with any value where none is given. */
  tag?: { name: string; value?: string };
}

export type Values = Partial<Record<Metric, number>>;

/** One part of what was counted: its place in each dimension asked for, and its metrics. */
export interface MetricsRow {
  period?: string;
  domain?: { id: string; name: string | null } | null;
  emailId?: string;
  broadcast?: { id: string; name: string | null };
  provider?: string;
  tag?: Tag;
  values: Values;
}

export interface Metrics extends Range {
  totals: Values;
  /** Absent when no dimension was asked for. */
  rows?: MetricsRow[];
}

/** What is read of emails at most: an email has about ten counters. */
const mostCounters = 100_000;
/** The same over tags, whose counters SQLite adds up: a second's work. */
const mostTagCounters = 500_000;

export async function getMetrics(app: App, teamId: string, query: MetricsQuery): Promise<Metrics> {
  const range = readRange(query, app.now());
  const { groups, periods, isPartial } = await gatherAll(app, teamId, range, query);
  const all = isPartial ? await gatherAll(app, teamId, range, { ...query, dimensions: [] }) : { groups };
  const totals = valuesOf(query.metrics, all.groups.totals);
  if (query.dimensions.length === 0) return { ...range, totals };
  return { ...range, totals, rows: await rowsOf(app, teamId, query, groups.inOrder(), periods) };
}

/** The rows alone, for whoever needs no totals. */
export async function listMetrics(app: App, teamId: string, query: MetricsQuery): Promise<MetricsRow[]> {
  const { groups, periods } = await gatherAll(app, teamId, readRange(query, app.now()), query);
  return rowsOf(app, teamId, query, groups.inOrder(), periods);
}

/** Rows that are not told one by one, and what they come to together. */
export interface Others {
  /** The tag all of them have: an email counts by each of its tags, so that only what has one name adds up. */
  tagName: string | undefined;
  rows: number;
  values: Values;
}

export interface Top {
  rows: MetricsRow[];
  others: Others[];
  /** How many rows there are, told or not; absent where older periods were not read. */
  total?: number;
}

/**
 * As many rows as a person reads: those of which the most was sent, and the others added up. Where periods are told apart,
 * the newest come first, and nothing is added up.
 */
export async function listTop(app: App, teamId: string, query: MetricsQuery, most: number): Promise<Top> {
  const { groups, periods, isAll } = await gatherTop(app, teamId, query, most);
  const sorted = groups
    .all()
    .map((group) => ({ group, sent: metricOf("sent", group.counts) }))
    .sort((a, b) => b.group.period - a.group.period || b.sent - a.sent)
    .map(({ group }) => group);
  const others = periods
    ? new Map<undefined, Group[]>()
    : Map.groupBy(sorted.slice(most), ({ tag }) => tag?.name);
  return {
    rows: await rowsOf(app, teamId, query, sorted.slice(0, most), periods),
    others: Array.from(others, ([tagName, all]) => {
      const counts: Counts = {};
      for (const group of all) addUp(counts, group.counts);
      return { tagName, rows: all.length, values: valuesOf(query.metrics, counts) };
    }),
    ...(isAll && { total: sorted.length }),
  };
}

/** By period no more periods than the rows come of, the newest: of each day there may be hundreds of rows. */
async function gatherTop(app: App, teamId: string, query: MetricsQuery, most: number) {
  const range = readRange(query, app.now());
  const gathering = begin(range, query);
  const starts = query.dimensions.length > 1 ? (gathering.periods?.starts ?? []) : [];
  let { end } = range;
  for (let count = 1; ; ) {
    const isAll = count >= starts.length;
    const start = isAll ? range.start : new Date(starts[starts.length - count]!);
    await gather(app, teamId, { start, end }, query, gathering);
    const { size } = gathering.groups;
    if (isAll || size > most) return { ...gathering, isAll };
    end = start;
    // As many as it takes where older periods have as many rows as these, and four times as many at most.
    count = Math.min(4 * count, Math.max(count + 1, Math.ceil((count * (most + 1)) / size)));
  }
}

async function gatherAll(app: App, teamId: string, range: Range, query: MetricsQuery): Promise<Gathering> {
  const gathering = begin(range, query);
  await gather(app, teamId, range, query, gathering);
  return gathering;
}

interface Gathering {
  groups: Groups;
  periods: Periods | undefined;
  /** Whether what is gathered is not all that was counted. */
  isPartial: boolean;
  /** So many counters of tags or emails were read. */
  read: number;
}

/** Refuses what can't be asked for together. */
function begin(range: Range, query: MetricsQuery): Gathering {
  const { dimensions, granularity, timezone } = query;
  if (isOfEmails(query) && (dimensions.includes("broadcast") || query.broadcastIds.length > 0)) {
    throw new Refusal(
      "validation_error",
      "The `email` dimension and `email_id` cannot be combined with the `broadcast` dimension or `broadcast_id`: ask for emails or for broadcasts.",
    );
  }
  const byProvider = dimensions.includes("provider");
  if (byProvider) requireAlone("provider", query);
  if (isOfTags(query)) requireAlone("tag", query);
  const periods = dimensions.includes("period") ? periodsOf(range, granularity, timezone) : undefined;
  // Most mail goes to providers that are too small to be told apart, and an email may have several tags or none.
  const isPartial = byProvider || (isOfTags(query) && !query.tag);
  return { groups: new Groups(dimensions, periods), periods, isPartial, read: 0 };
}

const isOfEmails = ({ dimensions, emailIds }: MetricsQuery) =>
  dimensions.includes("email") || emailIds.length > 0;
const isOfTags = ({ dimensions, tag }: MetricsQuery) => dimensions.includes("tag") || tag !== undefined;

/** Adds up what was counted in a range, which may be a part of what is asked for. */
async function gather(
  app: App,
  teamId: string,
  range: Range,
  query: MetricsQuery,
  gathering: Gathering,
): Promise<void> {
  const { groups, periods } = gathering;
  const counted = isOfEmails(query) ? range : await countedPart(app.db, teamId, range);
  if (!counted) return;
  const summed = await summedUntil(app.db);
  const { time, isByPeriod } = timeGrainOf(query);
  for (const part of isByPeriod ? partsOf(counted, periods!) : [counted]) {
    const slices = query.dimensions.includes("provider")
      ? walkProviders(app.db, teamId, { ...part, summed }, time)
      : isOfTags(query)
        ? walkTags(app, teamId, part, query, gathering)
        : isOfEmails(query)
          ? walkEmails(app, teamId, part, query, gathering)
          : walkCounters(app.db, teamId, { ...part, summed }, grainOf(query), query);
    for await (const slice of slices) for (const each of slice) groups.add(each);
  }
}

/** The periods of a range, each from where the range begins to where it ends. */
function partsOf({ start, end }: Range, { starts }: Periods): Range[] {
  const ends = [...starts.slice(1), Number.POSITIVE_INFINITY];
  return starts
    .map((begun, n) => ({
      start: new Date(Math.max(begun, start.getTime())),
      end: new Date(Math.min(ends[n]!, end.getTime())),
    }))
    .filter((part) => part.start < part.end);
}

function requireAlone(
  dimension: "provider" | "tag",
  { dimensions, domainIds, emailIds, broadcastIds }: MetricsQuery,
): void {
  const others = dimensions.filter((each) => each !== dimension && each !== "period");
  if (others.length + domainIds.length + emailIds.length + broadcastIds.length === 0) return;
  throw new Refusal(
    "validation_error",
    dimension === "provider"
      ? "The `provider` dimension can be combined with `period` alone, and not with `domain_id`, `email_id` or `broadcast_id`."
      : "The `tag` dimension and the `tag` parameter can be combined with `period` alone, and not with `domain_id`, `email_id` or `broadcast_id`.",
  );
}

function valuesOf(metrics: Metric[], counts: Counts): Values {
  const values: Values = {};
  for (const metric of metrics) values[metric] = metricOf(metric, counts);
  return values;
}

async function rowsOf(
  app: App,
  teamId: string,
  { dimensions, metrics }: MetricsQuery,
  groups: Group[],
  periods: Periods | undefined,
): Promise<MetricsRow[]> {
  const domainIds = new Set(groups.flatMap(({ domainId }) => domainId ?? []));
  const names = await listDomainNames(app.db, teamId, [...domainIds]);
  const broadcastIds = new Set(groups.flatMap(({ broadcastId }) => broadcastId ?? []));
  const broadcastNames =
    broadcastIds.size > 0
      ? await listBroadcastNames(app.db, teamId, [...broadcastIds])
      : new Map<string, string>();
  return groups.map(({ period, domainId, emailId, broadcastId, provider, tag, counts }) => ({
    ...(periods && { period: periods.names[period] }),
    ...(dimensions.includes("domain") && {
      domain: domainId === null ? null : { id: domainId, name: names.get(domainId) ?? null },
    }),
    ...(emailId !== null && { emailId }),
    ...(broadcastId !== null && {
      broadcast: { id: broadcastId, name: broadcastNames.get(broadcastId) ?? null },
    }),
    ...(provider !== undefined && { provider }),
    ...(tag !== undefined && { tag }),
    values: valuesOf(metrics, counts),
  }));
}

const grainOf = (query: MetricsQuery): CounterGrain => ({
  time: timeGrainOf(query).time,
  byDomain: query.dimensions.includes("domain"),
  byBroadcast: query.dimensions.includes("broadcast"),
});

/**
 * How finely time must be told apart: whole days of UTC lie in one period each, unless these are hours, or days of another
 * zone. Then each period is read by itself, and in it nothing is told apart; where that would be a look for each of many tags,
 * or where each counter is a row anyway, hours are.
 */
function timeGrainOf(query: MetricsQuery): { time: TimeGrain; isByPeriod?: true } {
  const { dimensions, granularity, timezone } = query;
  if (!dimensions.includes("period")) return { time: "all" };
  if (granularity !== "hourly" && timezone === "UTC") return { time: "day" };
  if (granularity === "hourly" || isOfTags(query) || isOfEmails(query)) return { time: "hour" };
  return { time: "all", isByPeriod: true };
}

/** More names of tags than anybody tells apart in one answer. */
const mostTagNames = 200;

async function* walkTags(
  app: App,
  teamId: string,
  range: Range,
  query: MetricsQuery,
  gathering: Gathering,
): AsyncGenerator<Counted[]> {
  const { tag, dimensions } = query;
  const names = tag ? [] : await listTagNames(app.db, teamId, mostTagNames + 1);
  if (names.length > mostTagNames) {
    throw new Refusal(
      "validation_error",
      `The emails have tags of more than ${mostTagNames} names: say which with the \`tag\` parameter.`,
    );
  }
  const { time } = timeGrainOf(query);
  const until = time === "hour" ? range.end : endOfToday(range.end, app.now());
  const grain = { time, isByValue: dimensions.includes("tag") } as const;
  for (const asked of tag ? [tag] : names.map((name) => ({ name }))) {
    for await (const { counted, read } of walkTag(app.db, teamId, { ...range, end: until }, asked, grain)) {
      gathering.read += read;
      if (gathering.read > mostTagCounters) throw tooMany();
      yield counted;
    }
  }
}

/** Nothing is counted after now: the day that is not over yet is read as a whole one. */
function endOfToday(end: Date, now: Date): Date {
  const hoursOf = (at: Date) => Math.ceil(at.getTime() / hourMs);
  return hoursOf(end) === hoursOf(now) ? new Date(Math.ceil(end.getTime() / dayMs) * dayMs) : end;
}

async function* walkEmails(
  app: App,
  teamId: string,
  range: Range,
  { emailIds, domainIds }: MetricsQuery,
  gathering: Gathering,
): AsyncGenerator<Counted[]> {
  const isOfAll = emailIds.length === 0;
  // Found out before the walk, not at its end.
  const left = Math.max(0, mostCounters - gathering.read);
  if (isOfAll && (await hasMoreEmailCounters(app.db, teamId, range, left))) throw tooMany();
  const slices = isOfAll
    ? walkEmailCounters(app.db, teamId, range)
    : [await listEmailCounters(app.db, teamId, range, emailIds)];
  for await (const slice of slices) {
    gathering.read += slice.length;
    yield domainIds.length === 0
      ? slice
      : slice.filter(({ domainId }) => domainId !== null && domainIds.includes(domainId));
  }
}
