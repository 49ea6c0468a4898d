/** Reading what was counted, a slice at a time: a year of a busy server must not hold up anything else. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { CounterName } from "../events/schema.ts";
import { dayMs, hourMs } from "./periods.ts";
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

export interface CountedFilter {
  domainIds: string[];
  broadcastIds: string[];
}

/** Of a team with ten domains some 10,000 counters, which take a few milliseconds. */
const sliceHours = 100;
/** So many take some ten milliseconds. */
const sliceTagCounters = 20_000;
const sliceRows = 2_000;

/** What counters are told apart by beside their event. */
export type CounterColumn = "hour" | "domain_id" | "broadcast_id";
const counterColumns = ["hour", "domain_id", "broadcast_id"] as const;

/** What a team's counters hold, of domains and broadcasts where the filter names some. */
export async function* walkCounters(
  db: Db,
  teamId: string,
  range: Range,
  told: readonly CounterColumn[],
  filter: CountedFilter,
): AsyncGenerator<Counted[]> {
  const end = range.end.getTime();
  const first = await firstHour(db, teamId, range);
  if (first === undefined) return;
  const known = counterColumns.map((column) => (told.includes(column) ? column : "null"));
  for (let from = first; from < end; from += sliceHours * hourMs) {
    const to = Math.min(from + sliceHours * hourMs, end);
    const rows = await db.values<[number | null, string | null, string | null, CounterName, number]>(
      sql`select ${sql.raw(known.join(", "))}, event, sum(total) from counters
          where team_id = ${teamId} and hour >= ${from} and hour < ${to}
          ${among("domain_id", filter.domainIds)} ${among("broadcast_id", filter.broadcastIds)}
          group by ${sql.raw([...told, "event"].join(", "))}`,
    );
    yield rows.map(([hour, domainId, broadcastId, event, total]) => ({
      ...{ hour: hour ?? from, domainId: domainId || null, emailId: null, broadcastId: broadcastId || null },
      ...{ event, total },
    }));
    await setImmediate();
  }
}

/** The first hour in which anything was counted: a range may begin long before the team did. */
async function firstHour(db: Db, teamId: string, { start, end }: Range): Promise<number | undefined> {
  const [row] = await db.values<[number]>(
    sql`select hour from counters where team_id = ${teamId} and hour >= ${start.getTime()} and hour < ${end.getTime()}
        order by hour limit 1`,
  );
  return row?.[0];
}

const among = (column: string, ids: string[]): SQL =>
  ids.length > 0
    ? sql`and ${sql.raw(column)} in (select value from json_each(${JSON.stringify(ids)}))`
    : sql``;

/** What was counted at large providers, as `walkCounters` does. */
export async function* walkProviders(
  db: Db,
  teamId: string,
  range: Range,
  isByHour: boolean,
): AsyncGenerator<Counted[]> {
  const end = range.end.getTime();
  const [told, groups] = isByHour ? ["hour", "hour, provider, event"] : ["null", "provider, event"];
  for (let from = await firstHour(db, teamId, range); from !== undefined && from < end; ) {
    const begin = from;
    const to = Math.min(from + sliceHours * hourMs, end);
    const rows = await db.values<[number | null, string, CounterName, number]>(
      sql`select ${sql.raw(told)}, provider, event, sum(total) from provider_counters
          where team_id = ${teamId} and hour >= ${from} and hour < ${to} group by ${sql.raw(groups)}`,
    );
    yield rows.map(([hour, provider, event, total]) => ({
      ...{ hour: hour ?? begin, ...nowhere, provider, event, total },
    }));
    await setImmediate();
    from = to;
  }
}

const nowhere = { domainId: null, emailId: null, broadcastId: null };

/** What counters of a tag are told apart by beside their event. */
export interface TagGrain {
  time: "hour" | "day" | "all";
  isByValue: boolean;
}

/** Counters, and at least so many of them were read. */
export interface TagSlice {
  counted: Counted[];
  read: number;
}

/**
 * What was counted of emails with a tag: of one value or, where none is given, of all. By day, what was counted in a whole
 * day of UTC comes as one, of its first hour.
 */
export async function* walkTag(
  db: Db,
  teamId: string,
  range: Range,
  { name, value }: { name: string; value?: string },
  grain: TagGrain,
): AsyncGenerator<TagSlice> {
  const first = await firstHour(db, teamId, range);
  if (first === undefined) return;
  const end = range.end.getTime();
  for (const stretch of grain.time === "hour" ? [hoursOf(first, end)] : stretchesOf(first, end)) {
    if (value !== undefined) yield* walkTagValue(db, teamId, stretch, { name, value });
    else yield* walkTagName(db, teamId, stretch, name, grain);
  }
}

/** Some time, and where what was counted in it is read. */
interface Stretch {
  from: number;
  to: number;
  counters: SQL;
  /** How much time each counter is of. */
  stepMs: number;
}

const hoursOf = (from: number, to: number): Stretch => ({
  ...{ from, to, stepMs: hourMs },
  counters: sql`(select team_id, name, hour as begun, value, event, total from tag_counters)`,
});
const daysOf = (from: number, to: number): Stretch => ({
  ...{ from, to, stepMs: dayMs },
  counters: sql`(select team_id, name, day as begun, value, event, total from tag_days)`,
});

/** The hours before the first whole day, the whole days, and the hours after them. */
function stretchesOf(from: number, to: number): Stretch[] {
  const [firstDay, lastDay] = [Math.ceil(from / dayMs) * dayMs, Math.floor(to / dayMs) * dayMs];
  if (firstDay >= lastDay) return [hoursOf(from, to)];
  return [hoursOf(from, firstDay), daysOf(firstDay, lastDay), hoursOf(lastDay, to)];
}

/** As many counters at a time as can be read in one go: of a day there may be a million values. */
async function* walkTagName(
  db: Db,
  teamId: string,
  { from: begin, to, counters }: Stretch,
  name: string,
  { time, isByValue }: TagGrain,
): AsyncGenerator<TagSlice> {
  const told = [...(time === "all" ? [] : ["begun"]), ...(isByValue ? ["value"] : []), "event"];
  const groups = sql.raw(told.join(", "));
  for (let from = sql`begun >= ${begin}`; ; ) {
    const here = sql`from ${counters} where team_id = ${teamId} and name = ${name} and begun < ${to} and ${from}`;
    // Of what is not told apart SQLite gives any row's: some begun of the slice, and some value that is left out here.
    const rows = await db.values<[number, string, CounterName, number, number]>(
      sql`select begun, value, event, sum(total), count(*) from (
            select begun, value, event, total ${here} order by begun, value, event limit ${sliceTagCounters}
          ) group by ${groups}`,
    );
    const counted = rows.map(([hour, value, event, total]) => ({
      hour,
      domainId: null,
      emailId: null,
      broadcastId: null,
      event,
      total,
      tag: isByValue ? { name, value } : undefined,
    }));
    const read = rows.reduce((sum, row) => sum + row[4], 0);
    yield { counted, read };
    if (read < sliceTagCounters) return;
    const [last] = await db.values<[number, string, string]>(
      sql`select begun, value, event ${here} order by begun, value, event limit 1 offset ${sliceTagCounters - 1}`,
    );
    if (!last) return;
    from = sql`(begun, value, event) > (${last[0]}, ${last[1]}, ${last[2]})`;
    await setImmediate();
  }
}

/** Counter by counter, past all other values: of an order's number there may be a million. */
async function* walkTagValue(
  db: Db,
  teamId: string,
  { from: begin, to, counters, stepMs }: Stretch,
  tag: Tag,
): AsyncGenerator<TagSlice> {
  for (let from = begin; from < to; from += sliceRows * stepMs) {
    const steps = Math.min(sliceRows, Math.ceil((to - from) / stepMs));
    const list = JSON.stringify(Array.from({ length: steps }, (_, n) => from + n * stepMs));
    const rows = await db.values<[number, CounterName, number]>(
      sql`select c.begun, c.event, c.total from json_each(${list}) asked
          cross join ${counters} c on c.team_id = ${teamId} and c.name = ${tag.name}
          and c.begun = asked.value and c.value = ${tag.value}`,
    );
    const counted = rows.map(([hour, event, total]) => ({ hour, ...nowhere, tag, event, total }));
    yield { counted, read: rows.length };
    await setImmediate();
  }
}

/** The names of a team's tags by the alphabet, up to so many; each is one look at the index. */
export async function listTagNames(db: Db, teamId: string, most: number): Promise<string[]> {
  const names: string[] = [];
  while (names.length < most) {
    const [row] = await db.values<[string]>(
      sql`select name from tag_counters where team_id = ${teamId} and name > ${names.at(-1) ?? ""}
          order by name limit 1`,
    );
    if (!row) break;
    names.push(row[0]);
  }
  return names;
}

type EmailRow = [number, string, CounterName, number, string | null];

/** Whether there is more of a team's single emails than so many counters: a look at the index, without the rows. */
export async function hasMoreEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
  most: number,
): Promise<boolean> {
  const rows = await db.values(
    sql`select 1 from email_counters where team_id = ${teamId} and hour >= ${start.getTime()} and hour < ${end.getTime()}
        limit 1 offset ${most}`,
  );
  return rows.length > 0;
}

/** What was counted of a team's single emails, each counter by itself. */
export async function* walkEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
): AsyncGenerator<Counted[]> {
  let after: [number, string, string] = [start.getTime(), "", ""];
  for (;;) {
    const rows = await db.values<EmailRow>(
      sql`select c.hour, c.email_id, c.event, c.total, e.domain_id
          from email_counters c left join emails e on e.id = c.email_id
          where c.team_id = ${teamId} and c.hour < ${end.getTime()}
          and (c.hour, c.email_id, c.event) > (${after[0]}, ${after[1]}, ${after[2]})
          order by c.hour, c.email_id, c.event limit ${sliceRows}`,
    );
    yield rows.map(toCounted);
    const last = rows.at(-1);
    if (!last || rows.length < sliceRows) return;
    after = [last[0], last[1], last[2]];
    await setImmediate();
  }
}

/** The same of those of the emails that are the team's. */
export async function listEmailCounters(
  db: Db,
  teamId: string,
  { start, end }: Range,
  emailIds: string[],
): Promise<Counted[]> {
  // A cross join keeps SQLite from reading all that the team has of these hours.
  const rows = await db.values<EmailRow>(
    sql`select c.hour, c.email_id, c.event, c.total, e.domain_id
        from json_each(${JSON.stringify(emailIds)}) asked cross join email_counters c on c.email_id = asked.value
        left join emails e on e.id = c.email_id
        where c.team_id = ${teamId} and c.hour >= ${start.getTime()} and c.hour < ${end.getTime()}`,
  );
  return rows.map(toCounted);
}

const toCounted = ([hour, emailId, event, total, domainId]: EmailRow): Counted => ({
  ...{ hour, domainId, emailId, broadcastId: null },
  ...{ event, total },
});
