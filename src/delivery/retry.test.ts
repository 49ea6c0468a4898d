import { expect, test } from "bun:test";
import { nextAttempt } from "./retry.ts";

const minute = 60_000;
const plan = { retryDelays: [5 * minute, 10 * minute, 20 * minute], giveUpAfter: 60 * minute };
const firstAt = new Date("2026-03-01T12:00:00Z");
const after = (minutes: number) => new Date(firstAt.getTime() + minutes * minute);

test("delays follow the plan, and the last one repeats", () => {
  const next = (number: number) => nextAttempt(plan, { number, firstAt, now: firstAt }, 0.5);
  expect([1, 2, 3, 4].map(next)).toEqual([after(5), after(10), after(20), after(20)]);
});

test("a delay varies by a fifth to either side", () => {
  const next = (random: number) => nextAttempt(plan, { number: 1, firstAt, now: firstAt }, random);
  expect(next(0)).toEqual(after(4));
  expect(next(1)).toEqual(after(6));
});

test("the last attempt is made when the time is up, and none after it", () => {
  expect(nextAttempt(plan, { number: 5, firstAt, now: after(55) }, 0.5)).toEqual(after(60));
  expect(nextAttempt(plan, { number: 6, firstAt, now: after(60) }, 0.5)).toBeUndefined();
});
