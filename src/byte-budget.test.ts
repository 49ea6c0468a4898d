import { expect, test } from "bun:test";
import { ByteBudget } from "./byte-budget.ts";

test("those who want bytes wait in line until there is room for them, and none overtakes", async () => {
  const budget = new ByteBudget(100);
  const order: string[] = [];
  const first = await budget.take(80);
  const take = async (name: string, bytes: number) => {
    const giveBack = await budget.take(bytes);
    order.push(name);
    return giveBack;
  };
  const second = take("second", 50);
  const third = take("third", 10); // would fit, but came later
  await Promise.resolve();
  expect(order).toEqual([]);
  first();
  await Promise.all([second, third]);
  expect(order).toEqual(["second", "third"]);
});

test("what is larger than the whole budget gets all of it", async () => {
  const budget = new ByteBudget(100);
  const giveBack = await budget.take(1_000);
  let isIn = false;
  const next = budget.take(1).then(() => {
    isIn = true;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  giveBack();
  giveBack(); // twice is once
  await next;
  await budget.take(99);
  expect(isIn).toBe(true);
});

test("bytes that are not needed after all are given back, and the others kept", async () => {
  const budget = new ByteBudget(100);
  const giveBack = await budget.take(100);
  giveBack(60);
  giveBack(80); // what was given back is not had again
  const other = await budget.take(40);
  let isIn = false;
  const next = budget.take(60).then(() => {
    isIn = true;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  giveBack();
  await next;
  other();
});

test("who would be late leaves the line without having taken anything, and lets those behind in", async () => {
  const budget = new ByteBudget(100);
  const giveBack = await budget.take(80);
  const late = new AbortController();
  const first = budget.takeUnlessLate(50, late.signal);
  const second = budget.take(20);
  late.abort();
  expect(await first).toBeUndefined();
  (await second)();
  giveBack();
  expect(await budget.takeUnlessLate(1, late.signal)).toBeUndefined();
  await budget.take(100);
});
