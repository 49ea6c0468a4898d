import { describe, expect, test } from "bun:test";
import { isTimezone, readRange } from "./range.ts";

const now = new Date("2026-07-08T12:34:56Z");
const read = (startDate?: string, endDate?: string, timezone = "UTC") => {
  const { start, end } = readRange({ startDate, endDate, timezone }, now);
  return [start.toISOString(), end.toISOString()];
};

test("the range is the six days before now when nothing is asked for, or those before the end", () => {
  expect(read()).toEqual(["2026-07-02T12:34:56.000Z", "2026-07-08T12:34:56.000Z"]);
  expect(read(undefined, "2026-06-30")).toEqual(["2026-06-24T00:00:00.000Z", "2026-06-30T00:00:00.000Z"]);
});

test("an end in the future is now, and a start after the end is refused", () => {
  expect(read("2026-07-01", "2030-01-01")).toEqual(["2026-07-01T00:00:00.000Z", now.toISOString()]);
  expect(read("2026-07-01", "2026-07-01")).toEqual(["2026-07-01T00:00:00.000Z", "2026-07-01T00:00:00.000Z"]);
  expect(() => read("2026-07-02", "2026-07-01")).toThrow("must be on or before the `end_date`");
  expect(() => read("2026-07-09", "2026-07-10")).toThrow("which is 2026-07-08T12:34:56.000Z here");
});

test.each([
  ["2026-07-01", "2026-07-01T04:00:00.000Z"],
  ["2026-07-01T09:30", "2026-07-01T13:30:00.000Z"],
  ["2026-07-01T00:00:00.0000000", "2026-07-01T04:00:00.000Z"],
  ["2026-07-01T00:00:00Z", "2026-07-01T00:00:00.000Z"],
  ["2026-07-01 00:00:00.123456+00", "2026-07-01T00:00:00.123Z"],
  ["2026-07-01t00:00:00+05:30", "2026-06-30T18:30:00.000Z"],
  ["2026-03-08T02:30", "2026-03-08T07:30:00.000Z"], // the clocks jumped over it
])("in New York %s begins at %s", (text, at) => {
  expect(read(text, undefined, "America/New_York")[0]).toBe(at);
});

test("a day begins with its first moment where there was no midnight", () => {
  expect(read("2018-11-04", undefined, "America/Sao_Paulo")[0]).toBe("2018-11-04T03:00:00.000Z");
});

test.each([
  ...["yesterday", "2026-02-30", "2026-07", "20260701", "07/01/2026", "2026-07-01T25:00:00Z", "1782864000"],
  ...["2026-07-01T00:00:00Z[Europe/Paris]", "+012026-07-01", "2026-07-01T00:00:00 05:30", "0000-00-00"],
])("%s is no date", (text) => {
  expect(() => read(text)).toThrow("Invalid `start_date` parameter. It must be an ISO 8601 date or datetime");
  expect(() => read(undefined, text)).toThrow("Invalid `end_date` parameter.");
});

describe("a time zone", () => {
  test.each(["UTC", "Europe/Berlin", "america/new_york", "Etc/GMT+5", "America/Port-au-Prince"])(
    "may be %s",
    (name) => expect(isTimezone(name)).toBeTrue(),
  );
  test.each(["Mars/Olympus", "+05:30", "", "Z", "2026-01-01T00:00[Asia/Tokyo]", "UTC[", "../../etc/passwd"])(
    "can't be %p",
    (name) => expect(isTimezone(name)).toBeFalse(),
  );
});
