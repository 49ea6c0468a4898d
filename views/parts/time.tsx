/** @jsxImportSource preact */

const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
const short = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZone: "UTC",
});

/** A moment, in UTC as the server made the page; a script turns it into the reader's own time. */
export function Time({ at, isShort = false }: { at: Date; isShort?: boolean }) {
  return (
    <time datetime={at.toISOString()} data-local={isShort ? "short" : "full"}>
      {(isShort ? short : full).format(at)} UTC
    </time>
  );
}

const moment = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/;

/** A sentence of the API, in which moments stand in ISO 8601: here they are shown as all others are. */
export function Sentence({ text }: { text: string }) {
  return (
    <>
      {text.split(moment).map((part, index) => {
        const at = new Date(part);
        // Every second part is a moment, unless a stranger has written what looks like one.
        return index % 2 === 1 && !Number.isNaN(at.getTime()) ? <Time at={at} /> : part;
      })}
    </>
  );
}

/** A unit, its seconds, and from how many of them on the next larger one says enough. */
const units = [
  ["second", 1, 60],
  ["minute", 60, 60],
  ["hour", 3_600, 36],
  ["day", 86_400, 45],
  ["month", 30.44 * 86_400, 18],
  ["year", 365.25 * 86_400, Number.POSITIVE_INFINITY],
] as const;
// Never "tomorrow": to the reader that is a day of the calendar, to us some hours.
const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** How long ago, or until when; the moment itself is shown to whoever points at it. */
export function Ago({ at, now }: { at: Date; now: Date }) {
  return (
    <time datetime={at.toISOString()} title={`${full.format(at)} UTC`} data-local="title">
      {inWords((at.getTime() - now.getTime()) / 1000)}
    </time>
  );
}

/** A distance in time, in seconds; those to come are positive. */
function inWords(seconds: number): string {
  if (Math.abs(seconds) < 10) return seconds > 0 ? "in a moment" : "just now";
  for (const [unit, size, most] of units) {
    const amount = Math.round(Math.abs(seconds) / size);
    if (amount < most) return words.format(Math.sign(seconds) * amount, unit);
  }
  throw new Error("a year is enough for the rest");
}
