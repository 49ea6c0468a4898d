import { expect, test } from "bun:test";
import { Turns } from "./turns.ts";

test("so many run at once, the others in the order they came, and one that fails makes room too", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const all = gates.map(({ promise }, n) =>
    turns.run(() => {
      started.push(n);
      return promise;
    }),
  );
  expect(started).toEqual([0, 1]);
  gates[1]!.reject(new Error("no"));
  await expect(all[1]!).rejects.toThrow("no");
  expect(started).toEqual([0, 1, 2]);
  gates[0]!.resolve();
  await all[0];
  expect(started).toEqual([0, 1, 2, 3]);
  for (const { resolve } of gates) resolve();
  await all[3];
  await turns.run(async () => started.push(4));
  expect(started).toEqual([0, 1, 2, 3, 4]);
});
