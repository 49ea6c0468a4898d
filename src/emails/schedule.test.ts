import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal } from "../errors.ts";
import { readSchedule } from "./schedule.ts";

const now = new Date("2026-03-01T12:00:00Z"); // a Sunday

function refusal(text: string): string {
  try {
    readSchedule(text, now);
  } catch (error) {
    if (error instanceof Refusal && error.code === "validation_error") return error.message;
    throw error;
  }
  throw new Error(`${text} was not refused`);
}

describe("a time in ISO 8601, and as databases and languages print it", () => {
  test.each([
    ["2026-03-05T09:00:00Z", "2026-03-05T09:00:00.000Z"],
    ["2026-03-05T09:00:00.123456Z", "2026-03-05T09:00:00.123Z"],
    ["2026-03-05T09:00:00+02:00", "2026-03-05T07:00:00.000Z"],
    ["2026-03-05 09:00:00.540771+00", "2026-03-05T09:00:00.540Z"],
    ["2026-03-05 09:00:00-0330", "2026-03-05T12:30:00.000Z"],
    ["2026-03-05 09:00:00 +0000", "2026-03-05T09:00:00.000Z"],
    ["2026-03-05 09:00:00 UTC", "2026-03-05T09:00:00.000Z"],
    ["2026-03-05T09:00", "2026-03-05T09:00:00.000Z"],
    ["2026-03-05", "2026-03-05T00:00:00.000Z"],
    [" 2026-03-05t09:00:00z\n", "2026-03-05T09:00:00.000Z"],
  ])("%j", (text, time) => expect(readSchedule(text, now).toISOString()).toBe(time));

  test("that is over stays as it is: the email goes out at once", () => {
    expect(readSchedule("2026-02-01T00:00:00Z", now).toISOString()).toBe("2026-02-01T00:00:00.000Z");
  });

  test("comes back as it was written", () => {
    const times = fc.date({ min: now, max: new Date("2026-03-31T12:00:00Z"), noInvalidDate: true });
    fc.assert(
      fc.property(times, (time) => readSchedule(time.toISOString(), now).getTime() === time.getTime()),
    );
  });
});

describe("words are understood, from now on and in UTC unless they name a zone", () => {
  test.each([
    ["in 1 min", "2026-03-01T12:01:00.000Z"],
    ["in 1 hour", "2026-03-01T13:00:00.000Z"],
    ["in an hour", "2026-03-01T13:00:00.000Z"],
    ["In  10 Mins", "2026-03-01T12:10:00.000Z"],
    ["in 2 hours 30 minutes", "2026-03-01T14:30:00.000Z"],
    ["in 2 days", "2026-03-03T12:00:00.000Z"],
    ["2 hours from now", "2026-03-01T14:00:00.000Z"],
    ["now", "2026-03-01T12:00:00.000Z"],
    ["tomorrow at 9am", "2026-03-02T09:00:00.000Z"],
    ["9am", "2026-03-02T09:00:00.000Z"],
    ["the day after tomorrow at 8am", "2026-03-03T08:00:00.000Z"],
    ["next day at 9am PST", "2026-03-02T17:00:00.000Z"],
    ["Friday at 3pm ET", "2026-03-06T20:00:00.000Z"],
    ["march 20 at 3pm ET", "2026-03-20T19:00:00.000Z"], // summer time by then
    ["sunday at 9am", "2026-03-08T09:00:00.000Z"],
    ["March 5 at 9am CET", "2026-03-05T08:00:00.000Z"],
    ["2026-03-05 9am", "2026-03-05T09:00:00.000Z"],
    ["Fri, 06 Mar 2026 09:00:00 +0100", "2026-03-06T08:00:00.000Z"],
  ])("%s", (text, time) => expect(readSchedule(text, now).toISOString()).toBe(time));
});

describe("what is not understood as a whole, or could mean another moment, is refused with examples", () => {
  test.each([
    "",
    "whenever",
    "tomorrow at 9am, or friday",
    "please in 1 hour",
    "tomorrow at 9am America/New_York",
    "Friday at 3pm Pacific",
    "tomorrow at 25:00",
    "monday to friday",
    "last friday",
    "2 days ago",
    "2 days after tomorrow",
    "3 hours after 9am",
    "2 hours before midnight",
    "3/5/2026",
    "5.3.2026 at 9am",
    "feb 30 at 9am",
    "2026-99-99",
    "2026-02-30T09:00:00Z",
    "2026-03-05T24:30:00Z",
    "2026-03-05T09:00:00+25:00",
    "2026-03-05T09:00:00 PST8",
    "1772700000",
    `in 1 ${" ".repeat(100)} hour`,
  ])("%j", (text) => expect(refusal(text)).toContain("`in 1 hour`"));
});

test.each(["2026-03-31T12:00:01Z", "in 31 days", "June 1 at 9am"])("%s is more than 30 days ahead", (text) =>
  expect(refusal(text)).toBe("Invalid `scheduled_at` field. Emails can be scheduled at most 30 days ahead."),
);

test.each(["yesterday", "today at 9am"])("%s has passed: words never mean at once by mistake", (text) => {
  expect(refusal(text)).toBe("Invalid `scheduled_at` field. That time has passed already.");
});

test("whatever text comes, it is a time or refused", () => {
  const words = fc.array(
    fc.constantFrom("in", "1", "hour", "at", "9am", "friday", "after", "ET", "-", ":", "next", "march"),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        words.map((list) => list.join(" ")),
      ),
      (text) => {
        try {
          expect(readSchedule(text, now).getTime()).not.toBeNaN();
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      },
    ),
  );
});
