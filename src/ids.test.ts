import { expect, test } from "bun:test";
import { isId, leastIdAt, newIdAt, timeOfId } from "./ids.ts";

const at = new Date("2026-03-01T12:00:00.123Z");

test("an id made at a time is an id, says the time, and differs from others of the same time", () => {
  const ids = Array.from({ length: 1_000 }, () => newIdAt(at));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => isId(id) && timeOfId(id).getTime() === at.getTime())).toBeTrue();
});

test("the least id of a time is above all ids made before and below all made since", () => {
  const bound = leastIdAt(at);
  expect(isId(bound)).toBeTrue();
  expect(newIdAt(new Date(at.getTime() - 1)) < bound).toBeTrue();
  expect(newIdAt(at) > bound).toBeTrue();
  expect(leastIdAt(new Date(-1))).toBe("00000000-0000-0000-0000-000000000000");
});
