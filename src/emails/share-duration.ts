const units: [RegExp, number][] = [
  [/^(s|secs?|seconds?)$/, 1_000],
  [/^(m|mins?|minutes?)$/, 60_000],
  [/^(h|hrs?|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
  [/^(w|weeks?)$/, 604_800_000],
];

/** Milliseconds of a duration as people write it: "10m", "2 hours", "1 day", "1h 30m"; undefined when it is none. */
export function readDuration(text: string): number | undefined {
  const words = text.trim().toLowerCase();
  if (words.length > 50 || !/^(\d{1,9}(\.\d{1,3})? ?[a-z]{1,7} ?)+$/.test(words)) return undefined;
  let total = 0;
  for (const [, count, unit] of words.matchAll(/([\d.]+) ?([a-z]+)/g)) {
    const ms = units.find(([name]) => name.test(unit!))?.[1];
    if (ms === undefined) return undefined;
    total += Number(count) * ms;
  }
  return Math.round(total);
}
