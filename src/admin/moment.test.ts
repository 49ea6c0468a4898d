import { expect, test } from "bun:test";
import { dayAfter } from "./moment.ts";

test("a day that a range ends with is counted in; what is no day is left to be refused as it was written", () => {
  expect(dayAfter("2026-02-28")).toBe("2026-03-01");
  expect(dayAfter("2026-12-31")).toBe("2027-01-01");
  for (const other of ["2026-02-30", "2026-02-28T12:00", "2026-02-28T12:00:00Z", "soon", ""]) {
    expect(dayAfter(other)).toBe(other);
  }
});
