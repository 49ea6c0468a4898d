import { expect, test } from "bun:test";
import { remembering } from "./remembering.ts";

function counting() {
  const asked: number[] = [];
  const recall = remembering((text) => {
    asked.push(text.length);
    return { length: text.length };
  });
  return { asked, recall };
}

test("what was made of a text is made once", () => {
  const { asked, recall } = counting();
  expect(recall("a")).toBe(recall("a"));
  expect(asked).toEqual([1]);
});

test("what was asked for longest ago is forgotten when it gets too much, and what is too large is not kept", () => {
  const { asked, recall } = counting();
  const texts = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(450_000));
  for (const text of texts.slice(0, 4)) recall(text);
  recall(texts[0]!);
  recall(texts[4]!); // the second goes
  recall(texts[0]!);
  expect(asked).toHaveLength(5);
  recall(texts[1]!);
  expect(asked).toHaveLength(6);
  const large = "x".repeat(500_001);
  expect(recall(large)).not.toBe(recall(large));
});
