import { expect, test } from "bun:test";
import { ConnectionLimit, MessageRate } from "./limits.ts";

const start = new Date("2026-03-01T12:00:00Z");
const after = (ms: number) => new Date(start.getTime() + ms);

test("a site starts with five connections and gets one more for every round of successes", () => {
  const limit = new ConnectionLimit(7);
  expect(limit.limit).toBe(5);
  for (let n = 0; n < 4; n++) limit.succeeded(start);
  expect(limit.limit).toBe(5);
  limit.succeeded(start);
  expect(limit.limit).toBe(6);
  for (let n = 0; n < 100; n++) limit.succeeded(start);
  expect(limit.limit).toBe(7);
});

test("a site that takes fewer than five never gets more", () => {
  expect(new ConnectionLimit(2).limit).toBe(2);
});

test("a refusal halves the connections, a burst of refusals only once, and for a minute none are added", () => {
  const limit = new ConnectionLimit(20);
  for (let n = 0; n < 100; n++) limit.succeeded(start);
  const before = limit.limit;
  limit.slowDown(start, before);
  const halved = limit.limit;
  expect(halved).toBe(Math.floor(before / 2));
  limit.slowDown(after(10), before);
  expect(limit.limit).toBe(halved);
  for (let n = 0; n < 100; n++) limit.succeeded(after(59_000));
  expect(limit.limit).toBe(halved);
  for (let n = 0; n < halved; n++) limit.succeeded(after(61_000));
  expect(limit.limit).toBe(halved + 1);
});

test("connections go down to what the site bears, and never below one", () => {
  const limit = new ConnectionLimit(20);
  limit.slowDown(start, 1);
  expect(limit.limit).toBe(1);
  limit.slowDown(start, 0);
  expect(limit.limit).toBe(1);
});

test("a rate lets a burst of five seconds go, and then one message after the other", () => {
  const rate = new MessageRate({ messages: 60, perMs: 60_000 });
  const gone = Array.from({ length: 10 }, () => rate.take(start)).filter(Boolean).length;
  expect(gone).toBe(5);
  expect(rate.nextAt(start)).toEqual(after(1_000));
  expect(rate.take(after(999))).toBe(false);
  expect(rate.take(after(1_000))).toBe(true);
  expect(rate.nextAt(after(1_000))).toEqual(after(2_000));
});

test("over an hour a rate gives what it says, however it is asked", () => {
  const rate = new MessageRate({ messages: 100, perMs: 3_600_000 });
  let gone = 0;
  for (let ms = 0; ms < 3_600_000; ms += 500) if (rate.take(after(ms))) gone++;
  expect(gone).toBeGreaterThanOrEqual(100);
  expect(gone).toBeLessThanOrEqual(101);
});

test("a rate is halved for a minute after the site asked for less", () => {
  const rate = new MessageRate({ messages: 60, perMs: 60_000 });
  rate.slowDown(start);
  while (rate.take(start));
  const next = rate.nextAt(start);
  expect(rate.take(next)).toBe(true);
  expect(rate.nextAt(next).getTime() - next.getTime()).toBe(2_000);
});
