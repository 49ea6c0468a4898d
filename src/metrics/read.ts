/** metrics/ answers how sending goes, from what was counted as it happened: nothing here ever counts rows. */
import type { App } from "../app.ts";
import { listBroadcastNames } from "../broadcasts/store.ts";
import { Refusal } from "../errors.ts";
import { type Counts, type Dimension, type Granularity, type Metric, metricOf } from "./names.ts";
import { dayMs, hourMs, type Periods, periodsOf } from "./periods.ts";
import { type Range, readRange } from "./range.ts";
import {
  type Counted,
  type Grain,
  listDomainNames,
  listEmailCounters,
  listTagNames,
  type Tag,
  walkCounters,
  walkEmailCounters,
  walkProviders,
  walkTag,
} from "./store.ts";

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

type Values = Partial<Record<Metric, number>>;

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

const mostRows = 10_000;
/** What a walk over emails reads at most: an email has about ten counters. */
const mostCounters = 100_000;

export async function getMetrics(app: App, teamId: string, query: MetricsQuery): Promise<Metrics> {
  const { dimensions, metrics, granularity, timezone } = query;
  const isOfEmails = dimensions.includes("email") || query.emailIds.length > 0;
  if (isOfEmails && (dimensions.includes("broadcast") || query.broadcastIds.length > 0)) {
    throw new Refusal(
      "validation_error",
      "The `email` dimension and `email_id` cannot be combined with the `broadcast` dimension or `broadcast_id`: ask for emails or for broadcasts.",
    );
  }
  const byProvider = dimensions.includes("provider");
  const isOfTags = dimensions.includes("tag") || query.tag !== undefined;
  if (byProvider) requireAlone("provider", query);
  if (isOfTags) requireAlone("tag", query);
  const range = readRange(query, app.now());
  const periods = dimensions.includes("period") ? periodsOf(range, granularity, timezone) : undefined;
  const groups = new Groups(dimensions, periods);
  const slices = byProvider
    ? walkProviders(app.db, teamId, range)
    : isOfTags
      ? walkTags(app, teamId, range, query)
      : isOfEmails
        ? walkEmails(app, teamId, range, query)
        : walkCounters(app.db, teamId, range, grainOf(dimensions), query);
  for await (const slice of slices) for (const counted of slice) groups.add(counted);
  // Most mail goes to providers that are too small to be told apart, and an email may have several tags or none.
  const isPartial = byProvider || (isOfTags && !query.tag);
  const counts = isPartial ? await countsOfAll(app, teamId, range, query) : groups.totals;
  const totals = valuesOf(metrics, counts);
  if (dimensions.length === 0) return { ...range, totals };
  return { ...range, totals, rows: await rowsOf(app, teamId, query, groups.inOrder(), periods) };
}

async function countsOfAll(app: App, teamId: string, range: Range, query: MetricsQuery): Promise<Counts> {
  const all = new Groups([], undefined);
  for await (const slice of walkCounters(app.db, teamId, range, "all", query)) {
    for (const counted of slice) all.add(counted);
  }
  return all.totals;
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

const valuesOf = (metrics: Metric[], counts: Counts): Values =>
  Object.fromEntries(metrics.map((metric) => [metric, metricOf(metric, counts)]));

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

function grainOf(dimensions: Dimension[]): Grain {
  if (dimensions.includes("broadcast")) return "broadcast";
  if (dimensions.includes("domain")) return "domain";
  return dimensions.includes("period") ? "hour" : "all";
}

/** `name`, or `name:value`: neither may hold a colon. */
export function readTag(text: string): { name: string; value?: string } {
  const [name = "", ...value] = text.split(":");
  return value.length === 0 ? { name } : { name, value: value.join(":") };
}

/** More names of tags than anybody tells apart in one answer. */
const mostTagNames = 200;

async function* walkTags(
  app: App,
  teamId: string,
  range: Range,
  { tag, dimensions, granularity, timezone }: MetricsQuery,
): AsyncGenerator<Counted[]> {
  const names = tag ? [] : await listTagNames(app.db, teamId, mostTagNames + 1);
  if (names.length > mostTagNames) {
    throw new Refusal(
      "validation_error",
      `The emails have tags of more than ${mostTagNames} names: say which with the \`tag\` parameter.`,
    );
  }
  const isByHour = dimensions.includes("period") && (granularity === "hourly" || timezone !== "UTC");
  const grain = isByHour ? "hour" : "day";
  const until = isByHour ? range.end : endOfToday(range.end, app.now());
  let read = 0;
  for (const asked of tag ? [tag] : names.map((name) => ({ name }))) {
    for await (const slice of walkTag(app.db, teamId, { ...range, end: until }, asked, grain)) {
      read += slice.length;
      if (read > mostCounters) throw tooMany();
      yield slice;
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
): AsyncGenerator<Counted[]> {
  const slices =
    emailIds.length > 0
      ? [await listEmailCounters(app.db, teamId, range, emailIds)]
      : walkEmailCounters(app.db, teamId, range);
  let read = 0;
  for await (const slice of slices) {
    read += slice.length;
    if (read > mostCounters) throw tooMany();
    yield domainIds.length === 0
      ? slice
      : slice.filter(({ domainId }) => domainId !== null && domainIds.includes(domainId));
  }
}

interface Group extends Omit<Counted, "hour"> {
  period: number;
}

/** Adds up what was counted, as a whole and for each combination of the dimensions. */
class Groups {
  readonly totals: Counts = {};
  readonly #found = new Map<string, Group>();
  readonly #keeps: (dimension: Dimension) => boolean;
  readonly #periods: Periods | undefined;

  constructor(dimensions: Dimension[], periods: Periods | undefined) {
    this.#keeps = (dimension) => dimensions.includes(dimension);
    this.#periods = periods;
    // With other dimensions beside it, only what there is: all periods of all domains would be mostly zeros.
    if (periods && dimensions.length === 1) {
      for (const period of periods.names.keys()) this.#group({ period, ...nothing });
    }
  }

  add({ hour, domainId, emailId, broadcastId, provider, tag, counts }: Counted): void {
    if (Object.keys(counts).length === 0) return; // of other events than emails'
    addUp(this.totals, counts);
    // Clients know only broadcasts with an id; what is of none stands in the totals.
    if (this.#keeps("broadcast") && broadcastId === null) return;
    const group = this.#group({
      period: this.#periods?.indexOf(hour) ?? 0,
      domainId: this.#keeps("domain") ? domainId : null,
      emailId: this.#keeps("email") ? emailId : null,
      broadcastId: this.#keeps("broadcast") ? broadcastId : null,
      provider,
      tag: this.#keeps("tag") ? tag : undefined,
    });
    addUp(group.counts, counts);
  }

  #group(place: Omit<Group, "counts">): Group {
    const { period, domainId, emailId, broadcastId, provider, tag } = place;
    const key = `${period} ${domainId} ${emailId} ${broadcastId} ${provider} ${tag?.name}:${tag?.value}`;
    let group = this.#found.get(key);
    if (!group) {
      if (this.#found.size === mostRows) throw tooMany();
      group = { ...place, counts: {} };
      this.#found.set(key, group);
    }
    return group;
  }

  /** By period, then by the ids, and so by age. */
  inOrder(): Group[] {
    const ids = ({ domainId, emailId, broadcastId, provider, tag }: Group) =>
      `${domainId ?? ""} ${emailId ?? ""} ${broadcastId ?? ""} ${provider ?? ""} ${tag?.name ?? ""}:${tag?.value ?? ""}`;
    return [...this.#found.values()].sort(
      (a, b) => a.period - b.period || (ids(a) < ids(b) ? -1 : ids(a) > ids(b) ? 1 : 0),
    );
  }
}

const nothing = { domainId: null, emailId: null, broadcastId: null };

function addUp(sum: Counts, counts: Counts): void {
  for (const name in counts) {
    const counter = name as keyof Counts;
    sum[counter] = (sum[counter] ?? 0) + (counts[counter] ?? 0);
  }
}

function tooMany(): Refusal {
  return new Refusal(
    "validation_error",
    `The answer would have more than ${mostRows} rows, or take too much reading: narrow it with \`start_date\` and \`end_date\`, with \`email_id\` or \`tag\`, or by fewer dimensions.`,
  );
}
