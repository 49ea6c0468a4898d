/** Reading what was counted, a slice at a time: a year of a busy server must not hold up anything else. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { CounterName } from "../events/schema.ts";
import { dayMs, floorTo, hourMs } from "./periods.ts";
import type { Range } from "./range.ts";

/** How often one event happened to some things in some time; null where a thing is of no domain, email or broadcast. */
export interface Counted {
  /** The first hour it is of, by its first millisecond. */
  hour: number;
  domainId: string | null;
  emailId: string | null;
  broadcastId: string | null;
  provider?: string | undefined;
  tag?: Tag | undefined;
  event: CounterName;
  total: number;
}

export interface Tag {
  name: string;
  value: string;
}

/** How finely time is told apart: by the day, what was counted in a whole day of UTC comes as one, of its first hour. */
export type TimeGrain = "hour" | "day" | "all";

/** What counters are told apart by beside their event. */
export interface CounterGrain {
  time: TimeGrain;
  byDomain: boolean;
  byBroadcast: boolean;
}

export interface CountedFilter {
  domainIds: string[];
  broadcastIds: string[];
}

/** A range, and until when hours and days are summed up, by the first millisecond after them. */
export interface SummedRange extends Range {
  summed: number;
}

/**
 * Where counters and what they come to are kept: what says which time a row is of, and how much time is read in one go. A
 * team with ten domains has some 10,000 counters of a hundred hours; one with sixty broadcasts a day as many sums of 20 days.
 */
const tables = {
  counters: { column: "hour", sliceMs: 100 * hourMs },
  counter_hours: { column: "hour", sliceMs: 1_000 * hourMs },
  counter_days: { column: "day", sliceMs: 20 * dayMs },
  provider_counters: { column: "hour", sliceMs: 100 * hourMs },
  provider_days: { column: "day", sliceMs: 100 * dayMs },
} as const;

/** Some time, and the table that has what was counted in it. */
interface Stretch {
  from: number;
  to: number;
  table: keyof typeof tables;
}

/** What a team's counters hold, of domains and broadcasts where the filter names some. */
export async function* walkCounters(
  db: Db,
  teamId: string,
  range: SummedRange,
  grain: CounterGrain,
  filter: CountedFilter,
): AsyncGenerator<Counted[]> {
  const { time, byDomain, byBroadcast } = grain;
  const stretches = stretchesOf<Stretch>(range, time, {
    hours: (from, to) =>
      isOfAll(grain, filter) ? hoursOfAll(from, to, range.summed) : [{ from, to, table: "counters" }],
    days: (from, to) => [{ from, to, table: "counter_days" }],
  });
  const told = [byDomain ? "domain_id" : "null", byBroadcast ? "broadcast_id" : "null"];
  const chosen = sql`${among("domain_id", filter.domainIds)} ${among("broadcast_id", filter.broadcastIds)}`;
  for await (const rows of readRows(db, teamId, stretches, time, told, chosen)) {
    yield rows.map(({ hour, told: [domainId, broadcastId], event, total }) => ({
      ...{ hour, domainId: domainId || null, emailId: null, broadcastId: broadcastId || null, event, total },
    }));
  }
}

/** Whether neither domains nor broadcasts are told apart or chosen. */
const isOfAll = ({ byDomain, byBroadcast }: CounterGrain, { domainIds, broadcastIds }: CountedFilter) =>
  !byDomain && !byBroadcast && domainIds.length + broadcastIds.length === 0;

/** Of all that a team has sent the hours are summed up, but for the last. */
function hoursOfAll(from: number, to: number, summed: number): Stretch[] {
  const middle = Math.min(Math.max(from, summed), to);
  return [
    { from, to: middle, table: "counter_hours" },
    { from: middle, to, table: "counters" },
  ];
}

/** What was counted at large providers, as `walkCounters` does. */
export async function* walkProviders(
  db: Db,
  teamId: string,
  range: SummedRange,
  time: TimeGrain,
): AsyncGenerator<Counted[]> {
  const stretches = stretchesOf<Stretch>(range, time, {
    hours: (from, to) => [{ from, to, table: "provider_counters" }],
    days: (from, to) => [{ from, to, table: "provider_days" }],
  });
  for await (const rows of readRows(db, teamId, stretches, time, ["provider"], sql``)) {
    yield rows.map(({ hour, told: [provider], event, total }) => ({
      ...{ hour, ...nowhere, provider: provider ?? undefined, event, total },
    }));
  }
}

export const nowhere = { domainId: null, emailId: null, broadcastId: null };

/** What a row is of: the first hour of its time, the columns asked for, and its event. */
interface Row {
  hour: number;
  told: (string | null)[];
  event: CounterName;
  total: number;
}

async function* readRows(
  db: Db,
  teamId: string,
  stretches: Stretch[],
  time: TimeGrain,
  told: string[],
  filter: SQL,
): AsyncGenerator<Row[]> {
  for (const { from, to, table } of stretches.flatMap(slicesOf)) {
    const { column } = tables[table];
    const hour =
      time === "all" ? "null" : time === "day" && column === "hour" ? `hour - hour % ${dayMs}` : column;
    const columns = [hour, ...told];
    const groups = [...columns.filter((each) => each !== "null"), "event"];
    const rows = await db.values<[number | null, ...(string | null)[], CounterName, number]>(
      sql`select ${sql.raw(columns.join(", "))}, event, sum(total) from ${sql.raw(table)}
          where team_id = ${teamId} and ${sql.raw(column)} >= ${from} and ${sql.raw(column)} < ${to} ${filter}
          group by ${sql.raw(groups.join(", "))}`,
    );
    yield rows.map((row) => ({
      hour: row[0] ?? from,
      told: row.slice(1, -2) as (string | null)[],
      event: row.at(-2) as CounterName,
      total: row.at(-1) as number,
    }));
    await setImmediate();
  }
}

/** As much at a time as can be read in one go. */
function slicesOf({ from, to, table }: Stretch): Stretch[] {
  const { sliceMs } = tables[table];
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / sliceMs)) }, (_, n) => ({
    ...{ from: from + n * sliceMs, to: Math.min(from + (n + 1) * sliceMs, to), table },
  }));
}

/**
 * The hours of a range before its first whole day, the whole days as far as they are summed up, and the hours after them;
 * all of it by the hour where hours are told apart.
 */
export function stretchesOf<T>(
  { start, end, summed }: SummedRange,
  time: TimeGrain,
  { hours, days }: { hours(from: number, to: number): T[]; days(from: number, to: number): T[] },
): T[] {
  const [from, to] = [start.getTime(), end.getTime()];
  const firstDay = Math.ceil(from / dayMs) * dayMs;
  const lastDay = floorTo(Math.min(to, summed), dayMs);
  if (time === "hour" || firstDay >= lastDay) return hours(from, to);
  return [...hours(from, firstDay), ...days(firstDay, lastDay), ...hours(lastDay, to)];
}

/** A range from the first hour in which anything was counted: it may begin long before the team did. Undefined where nothing was. */
export async function countedPart(db: Db, teamId: string, { start, end }: Range): Promise<Range | undefined> {
  const [row] = await db.values<[number]>(
    sql`select hour from counters where team_id = ${teamId} and hour >= ${start.getTime()} and hour < ${end.getTime()}
        order by hour limit 1`,
  );
  return row && { start: new Date(row[0]), end };
}

const among = (column: string, ids: string[]): SQL =>
  ids.length > 0
    ? sql`and ${sql.raw(column)} in (select value from json_each(${JSON.stringify(ids)}))`
    : sql``;
