import { expect, test } from "bun:test";
import { parseDuration, parseSize } from "./units.ts";

test.each([
  ["500ms", 500],
  ["30s", 30_000],
  ["5m", 300_000],
  ["2h", 7_200_000],
  ["48h", 172_800_000],
  ["1d", 86_400_000],
  ["1.5h", 5_400_000],
  [" 5 m ", 300_000],
  ["0", 0],
  ["10", 10_000],
  [10, 10_000],
  [0.25, 250],
])("the duration %p is %p milliseconds", (input, milliseconds) => {
  expect(parseDuration(input)).toBe(milliseconds);
});

test.each([
  ["25MB", 25_000_000],
  ["25mb", 25_000_000],
  ["40MiB", 41_943_040],
  ["64 KiB", 65_536],
  ["1.5GB", 1_500_000_000],
  ["10b", 10],
  ["1024", 1024],
  [1024, 1024],
])("the size %p is %p bytes", (input, bytes) => {
  expect(parseSize(input)).toBe(bytes);
});

const neither = [
  "",
  " ",
  "m",
  "-5m",
  "+5",
  "5 years",
  "1h30m",
  "5M!",
  "1e3",
  "0x10",
  "1,5",
  "Infinity",
  "5constructor",
];

test.each([...neither, "5MB", "5H", Number.NaN, -1, 1e300, "9999999999999999d"])(
  "%p is no duration",
  (input) => {
    expect(parseDuration(input)).toBeUndefined();
  },
);

test.each([...neither, "5s", "25 M", Number.POSITIVE_INFINITY, -1, "9999999999999999GB"])(
  "%p is no size",
  (input) => {
    expect(parseSize(input)).toBeUndefined();
  },
);
