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

const steps = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
] as const;
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago, or until when; the moment itself is shown to whoever points at it. */
export function Ago({ at, now }: { at: Date; now: Date }) {
  let amount = (at.getTime() - now.getTime()) / 1000;
  let unit: Intl.RelativeTimeFormatUnit = "second";
  for (const [size, name] of steps) {
    unit = name;
    if (Math.abs(amount) < size) break;
    amount /= size;
  }
  return (
    <time datetime={at.toISOString()} title={`${full.format(at)} UTC`} data-local="title">
      {unit === "second" && Math.abs(amount) < 10 ? "just now" : words.format(Math.trunc(amount), unit)}
    </time>
  );
}
