import { expect, test } from "bun:test";
import { mergeHtml } from "./merge-html.ts";
import { withPreview } from "./preview-text.ts";

test("the preview is the first text of the body, hidden, with room behind it", () => {
  const html = '<html><head><title>T</title></head><body class="x"><p>Hi</p></body></html>';
  expect(withPreview(html, "Soon")).toMatch(
    /^<html><head><title>T<\/title><\/head><body class="x"><div style="display:none[^"]*">Soon(&#847;&zwnj;&nbsp;)+<\/div><p>Hi/,
  );
  expect(withPreview("<p>Hi</p>", "Soon")).toMatch(/^<div style="display:none[^"]*">Soon/);
});

test("a preview is text, whatever it looks like, and its merge fields stay fields", () => {
  const html = withPreview("<p>Hi</p>", "1 < 2 & {{{contact.first_name|a > b}}}");
  expect(html).toContain(">1 &lt; 2 &amp; {{{contact.first_name|a &gt; b}}}");
  const merged = mergeHtml(html, { values: { "contact.first_name": "<b>" } });
  expect(merged).toContain("1 &lt; 2 &amp; &lt;b&gt;");
});
