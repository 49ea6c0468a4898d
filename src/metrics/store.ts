/** Reading what was counted, a slice at a time: a year of a busy server must not hold up anything else. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Counts, usedCounters } from "./names.ts";
import { dayMs, hourMs } from "./periods.ts";
import type { Range } from "./range.ts";

/** What was counted of some things in some time; null where a thing is of no domain, email or broadcast. */
export interface Counted {
  /** The first hour it is of, by its first millisecond. */
  hour: number;
  domainId: string | null;
  emailId: string | null;
  broadcastId: string | null;
  provider?: string;
  tag?: Tag;
  counts: Counts;
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
const sliceRows = 2_000;

/** Which of its key's columns a counter is told apart by, beginning with the first: they are read in their order. */
export type Grain = "all" | "hour" | "domain" | "broadcast";
const columns: Record<Grain, string[]> = {
  all: [],
  hour: ["hour"],
  domain: ["hour", "domain_id"],
  broadcast: ["hour", "domain_id", "broadcast_id"],
};

const sums = sql.join(
  usedCounters.map((name) => sql`sum(total) filter (where event = ${sql.raw(`'${name}'`)})`),
  sql`, `,
);

/** What a team's counters hold, of domains and broadcasts where the filter names some. */
export async function* walkCounters(
  db: Db,
  teamId: string,
  range: Range,
  grain: Grain,
  filter: CountedFilter,
): AsyncGenerator<Counted[]> {
  const end = range.end.getTime();
  const first = await firstHour(db, teamId, range);
  if (first === undefined) return;
  const told = columns[grain];
  // Only by the beginning of the key can rows be grouped as they come, without sorting all of them first.
  const groups = told.length > 0 ? sql.raw(`group by ${told.join(", ")}`) : sql``;
  const known = [...told, ...columns.broadcast.slice(told.length).map(() => "null")];
  for (let from = first; from < end; from += sliceHours * hourMs) {
    const to = Math.min(from + sliceHours * hourMs, end);
    const rows = await db.values<[number | null, string | null, string | null, ...(number | null)[]]>(
      sql`select ${sql.raw(known.join(", "))}, ${sums} from counters
          where team_id = ${teamId} and hour >= ${from} and hour < ${to}
          ${among("domain_id", filter.domainIds)} ${among("broadcast_id", filter.broadcastIds)} ${groups}`,
    );
    yield rows.map(([hour, domainId, broadcastId, ...totals]) => ({
      ...{ hour: hour ?? from, domainId: domainId || null, emailId: null, broadcastId: broadcastId || null },
      counts: toCounts(totals),
    }));
    await setImmediate();
  }
}

function toCounts(totals: (number | null)[]): Counts {
  const counts: Counts = {};
  for (const [n, name] of usedCounters.entries()) {
    const total = totals[n];
    if (total) counts[name] = total;
  }
  return counts;
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
export async function* walkProviders(db: Db, teamId: string, range: Range): AsyncGenerator<Counted[]> {
  const end = range.end.getTime();
  for (let from = await firstHour(db, teamId, range); from !== undefined && from < end; ) {
    const to = Math.min(from + sliceHours * hourMs, end);
    const rows = await db.values<[number, string, ...(number | null)[]]>(
      sql`select hour, provider, ${sums} from provider_counters
          where team_id = ${teamId} and hour >= ${from} and hour < ${to} group by hour, provider`,
    );
    yield rows.map(([hour, provider, ...totals]) => ({
      hour,
      ...nowhere,
      provider,
      counts: toCounts(totals),
    }));
    await setImmediate();
    from = to;
  }
}

const nowhere = { domainId: null, emailId: null, broadcastId: null };

/**
 * What was counted of emails with a tag: of one value or, where none is given, of each. By day, what was counted in a whole
 * day of UTC comes as one, of its first hour.
 */
export async function* walkTag(
  db: Db,
  teamId: string,
  range: Range,
  { name, value }: { name: string; value?: string },
  grain: "hour" | "day",
): AsyncGenerator<Counted[]> {
  const first = await firstHour(db, teamId, range);
  if (first === undefined) return;
  const end = range.end.getTime();
  for (const stretch of grain === "day" ? stretchesOf(first, end) : [hoursOf(first, end)]) {
    if (value !== undefined) yield* walkTagValue(db, teamId, stretch, { name, value });
    else yield* walkTagName(db, teamId, stretch, name);
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

async function* walkTagName(
  db: Db,
  teamId: string,
  { from: begin, to, counters }: Stretch,
  name: string,
): AsyncGenerator<Counted[]> {
  for (let from = sql`begun >= ${begin}`; ; ) {
    const rows = await db.values<[number, string, ...(number | null)[]]>(
      sql`select begun, value, ${sums} from ${counters}
          where team_id = ${teamId} and name = ${name} and ${from} and begun < ${to}
          group by begun, value limit ${sliceRows}`,
    );
    yield rows.map(([hour, value, ...totals]) => ({
      ...{ hour, ...nowhere, tag: { name, value } },
      counts: toCounts(totals),
    }));
    const last = rows.at(-1);
    if (!last || rows.length < sliceRows) return;
    from = sql`(begun, value) > (${last[0]}, ${last[1]})`;
    await setImmediate();
  }
}

/** Counter by counter, past all other values: of an order's number there may be a million. */
async function* walkTagValue(
  db: Db,
  teamId: string,
  { from: begin, to, counters, stepMs }: Stretch,
  tag: Tag,
): AsyncGenerator<Counted[]> {
  for (let from = begin; from < to; from += sliceRows * stepMs) {
    const steps = Math.min(sliceRows, Math.ceil((to - from) / stepMs));
    const list = JSON.stringify(Array.from({ length: steps }, (_, n) => from + n * stepMs));
    const rows = await db.values<[number, keyof Counts, number]>(
      sql`select c.begun, c.event, c.total from json_each(${list}) asked
          cross join ${counters} c on c.team_id = ${teamId} and c.name = ${tag.name}
          and c.begun = asked.value and c.value = ${tag.value}`,
    );
    yield rows.map(([hour, event, total]) => ({ hour, ...nowhere, tag, counts: { [event]: total } }));
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

type EmailRow = [number, string, keyof Counts, number, string | null];

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
  counts: { [event]: total },
});

/** The names of those of the domains that the team still has. */
export async function listDomainNames(db: Db, teamId: string, ids: string[]): Promise<Map<string, string>> {
  const rows = await db.values<[string, string]>(
    sql`select d.id, d.name from json_each(${JSON.stringify(ids)}) asked
        cross join domains d on d.id = asked.value where d.team_id = ${teamId}`,
  );
  return new Map(rows);
}
