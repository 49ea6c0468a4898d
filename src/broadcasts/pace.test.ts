import { expect, test } from "bun:test";
import { expectedEnd, turnsFrom } from "./pace.ts";
import { behindAll } from "./schema.ts";

const at = (seconds: number) => new Date(1_000_000 + seconds * 1_000);
const begun = { ratePerMinute: 60, pacedAt: at(0), paced: 0 };

test("turns follow each other at the rate, from where the broadcast has come to", () => {
  const first = turnsFrom(begun, at(0));
  expect([first.next(), first.next()]).toEqual([at(0), at(1)]);
  expect(first.pace()).toEqual({ pacedAt: at(0), paced: 2 });
  const second = turnsFrom({ ...begun, ...first.pace() }, at(0));
  expect([second.next(), second.next()]).toEqual([at(2), at(3)]);
});

test("what was missed is not made up for at once", () => {
  const turns = turnsFrom({ ...begun, paced: 10 }, at(100));
  expect([turns.next(), turns.next()]).toEqual([at(100), at(101)]);
  expect(turns.pace()).toEqual({ pacedAt: at(100), paced: 2 });
});

test("without a rate everybody has their turn at once", () => {
  const turns = turnsFrom({ ...begun, ratePerMinute: null }, at(5));
  expect([turns.next(), turns.next()]).toEqual([at(5), at(5)]);
});

test("the end is known once everybody has a turn, as long as it is to come", () => {
  const course = { status: "sending", cursor: behindAll, steered: "sending", steerCursor: null } as const;
  const whole = { ...begun, ...course, paced: 61 };
  expect(expectedEnd(whole, at(0))).toEqual(at(60));
  expect(expectedEnd(whole, at(60))).toBeNull();
  for (const other of [
    { ratePerMinute: null },
    { status: "paused" },
    { cursor: "0" },
    { steerCursor: "0" },
    { steered: "paused" },
  ] as const) {
    expect(expectedEnd({ ...whole, ...other }, at(0))).toBeNull();
  }
});
