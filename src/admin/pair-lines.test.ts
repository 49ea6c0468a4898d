import { expect, test } from "bun:test";
import { pairsIn } from "./pair-lines.ts";

test("each line is a name and a value, and only the first colon is between them", () => {
  expect(pairsIn("headers", "X-Ref: 42\n\n  X-Link : https://example.com/  \nX-Empty:")).toEqual([
    ["X-Ref", "42"],
    ["X-Link", "https://example.com/"],
    ["X-Empty", ""],
  ]);
});

test("a line that is no pair is refused by the name of its field", () => {
  for (const text of ["X-Ref 42", ": 42"]) {
    expect(() => pairsIn("headers", text)).toThrow("Invalid `headers` field.");
  }
});
