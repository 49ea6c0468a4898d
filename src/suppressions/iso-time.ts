// Seconds may be left out and have any fraction; PostgreSQL, and so Resend, writes a space and `+00`.
const pattern =
  /^(?<year>[1-9]\d{3})-(?<month>\d\d)-(?<day>\d\d)[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,9}))?)?(?:Z|(?<sign>[+-])(?<zoneHour>\d\d)(?::?(?<zoneMinute>\d\d))?)$/i;

/**
 * Reads an ISO 8601 time with its time zone. `new Date` takes much more than that, and turns the 30th of February into
 * the 2nd of March; here either is undefined.
 */
export function readIsoTime(text: string): Date | undefined {
  const parts = pattern.exec(text.trim())?.groups;
  if (!parts) return undefined;
  const part = (name: string) => Number(parts[name] ?? 0);
  const [year, month, day] = [part("year"), part("month"), part("day")];
  const [hour, minute, second] = [part("hour"), part("minute"), part("second")];
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  if (!isDay || hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = (parts.sign === "-" ? -1 : 1) * (part("zoneHour") * 60 + part("zoneMinute"));
  const milliseconds = Number((parts.fraction ?? "").padEnd(3, "0").slice(0, 3));
  return new Date(Date.UTC(year, month - 1, day, hour, minute - zone, second, milliseconds));
}

/** The day before the first of the next month. */
function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
