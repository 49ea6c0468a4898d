import { expect, test } from "bun:test";
import { readRange } from "./byte-range.ts";

test.each([
  ["bytes=0-0", { start: 0, end: 1 }],
  ["bytes=2-4", { start: 2, end: 5 }],
  ["bytes=2-", { start: 2, end: 10 }],
  ["bytes=8-99", { start: 8, end: 10 }],
  ["bytes=-3", { start: 7, end: 10 }],
  ["Bytes=-99", { start: 0, end: 10 }],
])("%s is a part", (header, part) => {
  expect(readRange(header, 10)).toEqual(part);
});

test.each(["bytes=10-", "bytes=10-11", "bytes=-0"])("%s has no byte of the file", (header) => {
  expect(readRange(header, 10)).toBe("none");
});

test.each([null, "", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"])(
  "%p means the whole",
  (header) => {
    expect(readRange(header, 10)).toBeUndefined();
  },
);
