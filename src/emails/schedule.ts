/** When a client wants an email to go out: an ISO 8601 time, or English words. */
import { casual as english } from "chrono-node/en";
import { Refusal } from "../errors.ts";

const maxScheduleMs = 30 * 24 * 3_600_000;
const longestText = 100;

// ISO 8601, and what Postgres, Python and Ruby print: a space for the T, offsets without colon or minutes, `UTC`.
const isoTime =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[Tt ](?<time>(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)(?: ?(?<zone>[Zz]|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?))?)?$/;
const isoDate = /^\d{4}-\d\d-\d\d([Tt]|$| \d\d:)/;

// Read wrongly, or not as everybody would: chrono takes "last friday" for the next one, counts "2 days after monday" in
// the server's own time zone, and has the month first in 3/5/2026.
const misread = /\b(last|past|previous|ago|from (?!now\b))\b|\S\s+(after|before)\b|\d[/.]\d/;

/** Reads `scheduled_at`; words are relative to `now`, and to UTC unless they name a zone. */
export function readSchedule(text: string, now: Date): Date {
  const wish = text.trim();
  const time =
    wish.length > longestText ? undefined : isoDate.test(wish) ? readIso(wish) : readWords(wish, now);
  if (!time) {
    throw invalid(
      "Use an ISO 8601 time such as `2026-08-05T11:52:01Z`, or words such as `in 1 hour`, `tomorrow at 9am` or `Friday at 3pm ET`.",
    );
  }
  checkSchedule(time, now);
  return time;
}

/** Refuses a time that is too far ahead; one that is over means at once. */
export function checkSchedule(scheduledAt: Date, now: Date): void {
  if (scheduledAt.getTime() - now.getTime() > maxScheduleMs) {
    throw invalid("Emails can be scheduled at most 30 days ahead.");
  }
}

function readIso(text: string): Date | undefined {
  const { date, time = "00:00", zone = "Z" } = isoTime.exec(text)?.groups ?? {};
  if (date === undefined || !isRealDate(date)) return undefined;
  return new Date(`${date}T${time}${isoZone(zone)}`);
}

/** February has no 30th; `Date` would go on into March. */
function isRealDate(date: string): boolean {
  return new Date(date).getUTCDate() === Number(date.slice(8));
}

function isoZone(zone: string): string {
  if (!/^[+-]/.test(zone)) return "Z";
  const digits = zone.replace(":", "").padEnd(5, "0");
  return `${digits.slice(0, 3)}:${digits.slice(3)}`;
}

/** All of the words must have been understood, as one moment: what was passed over could have changed its meaning. */
function readWords(text: string, now: Date): Date | undefined {
  const words = text.replace(/\s+/g, " ").replace(/\b(the )?day after tomorrow\b/i, "in 2 days");
  if (misread.test(words.toLowerCase())) return undefined;
  const [found, ...more] = english.parse(words, { instant: now, timezone: 0 }, { forwardDate: true });
  if (!found || more.length > 0 || found.text !== words || found.end) return undefined;
  const time = found.start.date();
  if (time < now) throw invalid("That time has passed already.");
  return time;
}

function invalid(hint: string): Refusal {
  return new Refusal("validation_error", `Invalid \`scheduled_at\` field. ${hint}`);
}
