import { expect, test } from "bun:test";
import { textPartsOf } from "./text-parts.ts";

test("the parts of the same content are made once", async () => {
  const html = "<p>The same for everybody</p>";
  const parts = await textPartsOf({ html });
  expect(parts.map(({ content }) => content)).toEqual(["The same for everybody", html]);
  expect(await textPartsOf({ html: `<p>The same ${"for everybody</p>"}` })).toBe(parts);
});

test("contents of which text and HTML together read the same are told apart", async () => {
  const contents = [
    { text: "ab", html: "c" },
    { text: "a", html: "bc" },
    { text: "", html: "abc" },
    { html: "abc" },
    { text: "abc" },
  ];
  const said = await Promise.all(contents.map(textPartsOf));
  expect(said.map((parts) => parts.map(({ type, content }) => `${type} ${content}`))).toEqual([
    ["text/plain ab", "text/html c"],
    ["text/plain a", "text/html bc"],
    ["text/html abc"],
    ["text/plain abc", "text/html abc"],
    ["text/plain abc"],
  ]);
});

test("parts that were not asked for while many others were are forgotten, and large ones are not kept", async () => {
  const text = (seed: number) => ({ text: `${seed}\r\n${"words in a line\r\n".repeat(5000)}` });
  const first = await textPartsOf(text(0));
  const used = await textPartsOf(text(1));
  for (let seed = 2; seed < 20; seed++) {
    await textPartsOf(text(seed));
    expect(await textPartsOf(text(1))).toBe(used);
  }
  expect(await textPartsOf(text(0))).not.toBe(first);
  expect(await textPartsOf(text(0))).toEqual(first);

  const large = { text: "words in a line\r\n".repeat(7700) };
  expect(await textPartsOf(large)).not.toBe(await textPartsOf(large));
});
