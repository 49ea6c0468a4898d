import { expect, test } from "bun:test";
import { ByteBudget } from "./big-messages.ts";

test("big messages wait in line until there is room for them, and none overtakes", async () => {
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

test("a message larger than the whole budget is made alone", async () => {
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
