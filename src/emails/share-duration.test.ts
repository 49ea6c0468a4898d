import { expect, test } from "bun:test";
import { readDuration } from "./share-duration.ts";

const minuteMs = 60_000;

test.each([
  ["10m", 10],
  ["90 minutes", 90],
  ["1 minute", 1],
  ["5 mins", 5],
  ["2 hours", 120],
  ["48h", 2_880],
  ["1.5 hrs", 90],
  ["1 day", 1_440],
  ["2D", 2_880],
  ["1h30m", 90],
  ["1 hour 30 minutes", 90],
  [" 120s ", 2],
  ["1 week", 10_080],
])("%p is a duration", (text, minutes) => {
  expect(readDuration(text)).toBe(minutes * minuteMs);
});

test.each([
  "",
  "10",
  "m",
  "-1h",
  "ten minutes",
  "1 month",
  "1 fortnight",
  "1h,30m",
  "1 hour from now",
  "1e3s",
  "0x5m",
])("%p is none", (text) => {
  expect(readDuration(text)).toBeUndefined();
});

test("a thousand durations in a row are refused in no time", () => {
  expect(readDuration("1h ".repeat(1_000))).toBeUndefined();
  expect(readDuration("1".repeat(100_000))).toBeUndefined();
});
