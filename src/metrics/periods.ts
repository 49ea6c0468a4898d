import { Refusal } from "../errors.ts";
import type { Granularity } from "./names.ts";
import type { Range } from "./range.ts";

/** The parts of a range, in order. */
export interface Periods {
  /** What each is called: its first day, or its first moment with its distance from UTC. */
  names: string[];
  /** When each begins, by its first millisecond; the first may begin before the range. */
  starts: number[];
  /** Which of them an hour belongs to, by its first millisecond. */
  indexOf(hour: number): number;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
const mostPeriods = 10_000;

/** The beginning of the hour or the day of UTC that a moment is in. */
export const floorTo = (at: number, stepMs: number): number => Math.floor(at / stepMs) * stepMs;

/** Every period of the range, also those in which nothing was counted. */
export function periodsOf(range: Range, granularity: Granularity, timezone: string): Periods {
  const starts: number[] = [];
  const names: string[] = [];
  const add = (at: number, name: string) => {
    // A day that a zone has skipped (Samoa, 2011-12-30) begins when the next one does, and is none.
    if (starts.at(-1) === at) {
      starts.pop();
      names.pop();
    }
    if (starts.length === mostPeriods) throw tooMany(granularity);
    starts.push(at);
    names.push(name);
  };
  if (granularity === "hourly") addHours(range, timezone, add);
  else addDays(range, granularity, timezone, add);
  return { names, starts, indexOf: (hour) => lastNotAfter(starts, hour) };
}

type Add = (at: number, name: string) => void;

/** Counted hours are hours of UTC: where zones differ from it by half an hour, they begin half past. */
function addHours({ start, end }: Range, timezone: string, add: Add): void {
  const first = Math.ceil(start.getTime() / hourMs) * hourMs;
  for (let at = first; at < end.getTime(); at += hourMs) {
    const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timezone);
    add(at, local.toString({ timeZoneName: "never", smallestUnit: "second" }).replace("+00:00", "Z"));
  }
}

function addDays(
  { start, end }: Range,
  granularity: Exclude<Granularity, "hourly">,
  timezone: string,
  add: Add,
): void {
  const day = Temporal.Instant.fromEpochMilliseconds(start.getTime())
    .toZonedDateTimeISO(timezone)
    .toPlainDate();
  const steps = {
    daily: { first: day, step: { days: 1 } },
    weekly: { first: day.subtract({ days: day.dayOfWeek - 1 }), step: { weeks: 1 } },
    monthly: { first: day.with({ day: 1 }), step: { months: 1 } },
  };
  const { first, step } = steps[granularity];
  for (let date = first; ; date = date.add(step)) {
    const at = date.toZonedDateTime(timezone).epochMilliseconds; // the day's first moment, whatever the clocks did
    if (at >= end.getTime()) return;
    add(at, date.toString());
  }
}

function lastNotAfter(starts: number[], hour: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= hour) low = middle;
    else high = middle - 1;
  }
  return low;
}

function tooMany(granularity: Granularity): Refusal {
  return new Refusal(
    "validation_error",
    `The range has more than ${mostPeriods} ${granularity} periods: ask for a shorter range or a coarser \`granularity\`.`,
  );
}
