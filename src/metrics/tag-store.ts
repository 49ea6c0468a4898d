/** Reading what was counted of emails with tags. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import type { CounterName } from "../events/schema.ts";
import { dayMs, hourMs } from "./periods.ts";
import type { Range } from "./range.ts";
import { type Counted, nowhere, stretchesOf, type Tag, type TimeGrain } from "./store.ts";

/** So many take some ten milliseconds. */
const sliceCounters = 20_000;
/** So many times a value is looked for in one go. */
const sliceSteps = 2_000;

/** What counters of a tag are told apart by beside their event. */
export interface TagGrain {
  time: TimeGrain;
  isByValue: boolean;
}

/** Counters, and at least so many of them were read. */
export interface TagSlice {
  counted: Counted[];
  read: number;
}

/** What was counted of emails with a tag: of one value or, where none is given, of all. */
export async function* walkTag(
  db: Db,
  teamId: string,
  range: Range,
  { name, value }: { name: string; value?: string },
  grain: TagGrain,
): AsyncGenerator<TagSlice> {
  const summed = range.end.getTime(); // triggers keep the days
  for (const stretch of stretchesOf({ ...range, summed }, grain.time, { hours: tagHours, days: tagDays })) {
    if (stretch.from >= stretch.to) continue;
    if (value !== undefined) yield* walkTagValue(db, teamId, stretch, { name, value });
    else yield* walkTagName(db, teamId, stretch, name, grain);
  }
}

/** Some time, and where what was counted in it is read. */
interface TagStretch {
  from: number;
  to: number;
  counters: SQL;
  /** How much time each counter is of. */
  stepMs: number;
}

const tagHours = (from: number, to: number): TagStretch[] => [
  {
    ...{ from, to, stepMs: hourMs },
    counters: sql`(select team_id, name, hour as begun, value, event, total from tag_counters)`,
  },
];
const tagDays = (from: number, to: number): TagStretch[] => [
  {
    ...{ from, to, stepMs: dayMs },
    counters: sql`(select team_id, name, day as begun, value, event, total from tag_days)`,
  },
];

/** As many counters at a time as can be read in one go: of a day there may be a million values. */
async function* walkTagName(
  db: Db,
  teamId: string,
  { from: begin, to, counters }: TagStretch,
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
            select begun, value, event, total ${here} order by begun, value, event limit ${sliceCounters}
          ) group by ${groups}`,
    );
    const counted = rows.map(([hour, value, event, total]) => ({
      ...{ hour, ...nowhere, event, total },
      tag: isByValue ? { name, value } : undefined,
    }));
    const read = rows.reduce((sum, row) => sum + row[4], 0);
    yield { counted, read };
    if (read < sliceCounters) return;
    const [last] = await db.values<[number, string, string]>(
      sql`select begun, value, event ${here} order by begun, value, event limit 1 offset ${sliceCounters - 1}`,
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
  { from: begin, to, counters, stepMs }: TagStretch,
  tag: Tag,
): AsyncGenerator<TagSlice> {
  for (let from = begin; from < to; from += sliceSteps * stepMs) {
    const steps = Math.min(sliceSteps, Math.ceil((to - from) / stepMs));
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
