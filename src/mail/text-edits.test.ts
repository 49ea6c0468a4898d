import { expect, test } from "bun:test";
import { applyEdits, joinEdits } from "./text-edits.ts";

const edit = (start: number, end: number, text: string) => ({ start, end, text });
const text = "0123456789";

test("edits replace what they name, and nothing else", () => {
  expect(applyEdits(text, [edit(0, 0, "<"), edit(2, 4, "x"), edit(4, 5, ""), edit(10, 10, ">")])).toBe(
    "<01x56789>",
  );
  expect(applyEdits(text, [])).toBe(text);
});

test("of two lists both are made", () => {
  const joined = joinEdits(
    [edit(2, 4, "a"), edit(6, 8, "b")],
    [edit(0, 2, "c"), edit(4, 6, "d"), edit(9, 9, "e")],
  );
  expect(applyEdits(text, joined)).toBe("cadb8e9");
  expect(joinEdits([], [edit(1, 2, "x")])).toEqual([edit(1, 2, "x")]);
  expect(joinEdits([edit(1, 2, "x")], [])).toEqual([edit(1, 2, "x")]);
});

test("where both would change the same characters the first list does, and what is put in goes before them", () => {
  const joined = joinEdits(
    [edit(2, 6, "a")],
    [edit(1, 3, "no"), edit(4, 4, "|"), edit(5, 8, "no"), edit(8, 9, "b")],
  );
  expect(applyEdits(text, joined)).toBe("01|a67b9");
});

test("what is put in where the other list's edit begins or ends stays where it is", () => {
  expect(applyEdits(text, joinEdits([edit(2, 4, "a")], [edit(2, 2, "<"), edit(4, 4, ">")]))).toBe(
    "01<a>456789",
  );
});
