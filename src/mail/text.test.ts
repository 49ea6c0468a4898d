import { expect, test } from "bun:test";
import { textFromHtml } from "./text.ts";

test("words and links of an HTML email are kept", () => {
  const html = `<style>p{}</style><h1>Hello</h1><p>See <a href="https://example.com/?a=1&amp;b=2">this</a> or
    <a href="https://example.com/">https://example.com/</a>.</p><img src="x" alt="pixel"><script>alert(1)</script>`;
  expect(textFromHtml(html)).toBe(
    "Hello\n\nSee this <https://example.com/?a=1&b=2> or https://example.com/.",
  );
});

test("lines are short enough to need no transfer encoding", () => {
  for (const line of textFromHtml(`<p>${"word ".repeat(500)}</p>`).split("\n")) {
    expect(line.length).toBeLessThanOrEqual(76);
  }
});

const hostile: Record<string, string> = {
  "elements nested 50,000 deep": "<div>".repeat(50_000),
  "lists nested 20,000 deep": "<ul><li>x".repeat(20_000),
  "a million brackets": "<".repeat(1_000_000),
  "a million ampersands": "&".repeat(1_000_000),
  "a tag with 100,000 attributes": `<a ${"x=y ".repeat(100_000)}>`,
  "quotes that make text longer than HTML": "<blockquote>".repeat(90) + "x<br>".repeat(80_000),
  "a list that starts at a Roman 1,000,000": '<ol type="I" start="1000000"><li>x</ol>',
  "nothing but white space": " ".repeat(1_000_000),
};
for (const [what, html] of Object.entries(hostile)) {
  test(`${what} gives a bounded text`, () => {
    expect(textFromHtml(html).length).toBeLessThanOrEqual(500_000);
  });
}
