import { Refusal } from "../errors.ts";

/** From `start` on and before `end`. */
export interface Range {
  start: Date;
  end: Date;
}

const defaultMs = 6 * 24 * 3_600_000;

/** The time a client asks for. It ends now at the latest; what has no zone of its own is time in `timezone`. */
export function readRange(
  { startDate, endDate, timezone }: { startDate?: string; endDate?: string; timezone: string },
  now: Date,
): Range {
  const wanted = endDate === undefined ? now : readTime("end_date", endDate, timezone);
  const end = wanted < now ? wanted : now;
  const start =
    startDate === undefined
      ? new Date(end.getTime() - defaultMs)
      : readTime("start_date", startDate, timezone);
  if (start > end) {
    throw new Refusal(
      "validation_error",
      `The \`start_date\` must be on or before the \`end_date\`, which is ${end.toISOString()} here: a later one than now counts as now.`,
    );
  }
  return { start, end };
}

export function isTimezone(name: string): boolean {
  // Temporal also reads offsets and whole times with a zone in brackets.
  if (!/^[a-z][a-z0-9_+/-]*$/i.test(name)) return false;
  try {
    Temporal.Now.zonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

// .NET writes seven digits of a second, and PostgreSQL a blank for the T and two digits of a zone.
const isoTime =
  /^\d{4}-\d\d-\d\d(?<time>[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?<zone>Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

function readTime(name: string, text: string, timezone: string): Date {
  const { time, zone } = isoTime.exec(text)?.groups ?? {};
  try {
    if (!isoTime.test(text)) throw new RangeError("not ISO 8601");
    const at = zone
      ? Temporal.Instant.from(text)
      : time
        ? Temporal.PlainDateTime.from(text).toZonedDateTime(timezone)
        : Temporal.PlainDate.from(text).toZonedDateTime(timezone); // the day's first moment, not always midnight
    return new Date(at.epochMilliseconds);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refusal(
      "validation_error",
      `Invalid \`${name}\` parameter. It must be an ISO 8601 date or datetime, such as \`2026-07-01\` or \`2026-07-01T00:00:00Z\`.`,
    );
  }
}
