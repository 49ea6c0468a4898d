const durationUnits: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

// Decimal units as SI has them, binary units as IEC has them; mail servers disagree on what "MB" is, so both exist.
const sizeUnits: Record<string, number> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Milliseconds of "500ms", "30s", "5m", "1.5h" or "1d". A number without a unit is seconds. */
export function parseDuration(input: string | number): number | undefined {
  return measure(input, durationUnits, "s");
}

/** Bytes of "25MB" (25,000,000), "40MiB" (41,943,040) or "64 KiB", in any case. A number without a unit is bytes. */
export function parseSize(input: string | number): number | undefined {
  return measure(typeof input === "string" ? input.toLowerCase() : input, sizeUnits, "b");
}

function measure(
  input: string | number,
  units: Record<string, number>,
  bareUnit: string,
): number | undefined {
  const [, digits, unit = bareUnit] =
    /^(\d{1,16}(?:\.\d{1,9})?) ?([a-z]+)?$/.exec(String(input).trim()) ?? [];
  // hasOwn: "5constructor" must not find what every object inherits.
  if (digits === undefined || !Object.hasOwn(units, unit)) return undefined;
  const total = Math.round(Number(digits) * units[unit]!);
  return Number.isSafeInteger(total) ? total : undefined;
}
