import { expect, test } from "bun:test";
import type { Granularity } from "./names.ts";
import { hourMs, periodsOf } from "./periods.ts";

const make = (start: string, end: string, granularity: Granularity, timezone = "UTC") =>
  periodsOf({ start: new Date(start), end: new Date(end) }, granularity, timezone);
const of = (periods: ReturnType<typeof make>, hour: string) =>
  periods.names[periods.indexOf(new Date(hour).getTime())]!;

test("days are named by their date, and the last one is not cut off", () => {
  const days = make("2026-07-01T00:00:00Z", "2026-07-03T12:00:00Z", "daily");
  expect(days.names).toEqual(["2026-07-01", "2026-07-02", "2026-07-03"]);
  expect(of(days, "2026-07-01T23:00:00Z")).toBe("2026-07-01");
  expect(of(days, "2026-07-02T00:00:00Z")).toBe("2026-07-02");
  expect(make("2026-07-01T00:00:00Z", "2026-07-03T00:00:00Z", "daily").names).toHaveLength(2);
});

test("weeks begin on Monday and months with the first, also before the range does", () => {
  expect(make("2026-07-01T00:00:00Z", "2026-07-14T00:00:00Z", "weekly").names).toEqual([
    ...["2026-06-29", "2026-07-06", "2026-07-13"],
  ]);
  expect(make("2026-11-15T00:00:00Z", "2027-01-01T00:00:00Z", "monthly").names).toEqual([
    ...["2026-11-01", "2026-12-01"],
  ]);
});

test("a day of 23 and one of 25 hours hold the hours that were theirs", () => {
  const spring = make("2026-03-08T05:00:00Z", "2026-03-10T04:00:00Z", "daily", "America/New_York");
  expect(spring.names).toEqual(["2026-03-08", "2026-03-09"]);
  expect(of(spring, "2026-03-09T03:00:00Z")).toBe("2026-03-08");
  expect(of(spring, "2026-03-09T04:00:00Z")).toBe("2026-03-09");

  const autumn = make("2026-11-01T04:00:00Z", "2026-11-03T05:00:00Z", "daily", "America/New_York");
  expect(autumn.names).toEqual(["2026-11-01", "2026-11-02"]);
  expect(of(autumn, "2026-11-02T04:00:00Z")).toBe("2026-11-01");
  expect(of(autumn, "2026-11-02T05:00:00Z")).toBe("2026-11-02");
});

test("an hour belongs to the day in which it begins where a zone is half an hour off", () => {
  const days = make("2026-06-30T18:30:00Z", "2026-07-02T18:30:00Z", "daily", "Asia/Kolkata");
  expect(days.names).toEqual(["2026-07-01", "2026-07-02"]);
  expect(of(days, "2026-07-01T18:00:00Z")).toBe("2026-07-01"); // begins at 23:30
  expect(of(days, "2026-07-01T19:00:00Z")).toBe("2026-07-02");
});

test("hours tell their distance from UTC, so that the one that comes twice is told apart", () => {
  expect(make("2026-11-01T04:30:00Z", "2026-11-01T07:00:00Z", "hourly", "America/New_York").names).toEqual([
    ...["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"],
  ]);
  expect(make("2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z", "hourly").names).toEqual([
    "2026-07-01T00:00:00Z",
  ]);
  const kolkata = make("2026-06-30T18:30:00Z", "2026-06-30T20:00:00Z", "hourly", "Asia/Kolkata");
  expect(kolkata.names).toEqual(["2026-07-01T00:30:00+05:30"]);
});

test("a day begins where its clocks did, at 1 o'clock, twice at midnight, or never", () => {
  const saoPaulo = make("2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z", "daily", "America/Sao_Paulo");
  expect(of(saoPaulo, "2018-11-04T02:00:00Z")).toBe("2018-11-03");
  expect(of(saoPaulo, "2018-11-04T03:00:00Z")).toBe("2018-11-04");

  const havana = make("2026-10-31T04:00:00Z", "2026-11-02T05:00:00Z", "daily", "America/Havana");
  expect(of(havana, "2026-11-01T04:00:00Z")).toBe("2026-11-01"); // 00:00 for the first time

  const apia = make("2011-12-29T10:00:00Z", "2011-12-31T10:00:00Z", "daily", "Pacific/Apia");
  expect(apia.names).toEqual(["2011-12-29", "2011-12-31"]);
  expect(of(apia, "2011-12-30T10:00:00Z")).toBe("2011-12-31");
});

test("10,000 periods are made and one more is refused", () => {
  const end = new Date("2026-07-01T00:00:00Z");
  const start = new Date(end.getTime() - 10_000 * hourMs);
  expect(periodsOf({ start, end }, "hourly", "UTC").names).toHaveLength(10_000);
  const earlier = new Date(start.getTime() - hourMs);
  expect(() => periodsOf({ start: earlier, end }, "hourly", "UTC")).toThrow(
    "The range has more than 10000 hourly periods: ask for a shorter range or a coarser `granularity`.",
  );
  expect(() => make("0001-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "daily")).toThrow("10000 daily periods");
  expect(() => make("0001-01-01T00:00:00Z", "2026-07-01T00:00:00Z", "monthly")).toThrow("monthly");
});
