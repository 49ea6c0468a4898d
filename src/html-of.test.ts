import { expect, test } from "bun:test";
import { h } from "preact";
import { htmlOf } from "./html-of.ts";

const name = "a > b\u202Etxt\u2069";

test("a name that turns the direction of text does not turn that of the words around it", () => {
  expect(htmlOf(h("p", {}, "Delete ", name, "?"))).toBe("<p>Delete a > btxt?</p>");
});

test("what a form sends back keeps every mark", () => {
  const field = h("p", { title: name }, h("input", { value: name }), h("textarea", { rows: 2 }, name), name);
  expect(htmlOf(field)).toBe(
    `<p title="${name}"><input value="${name}"/><textarea rows="2">${name}</textarea>a > btxt</p>`,
  );
});

test("right-to-left writing that says its direction by its letters is left as it is", () => {
  expect(htmlOf(h("p", {}, "שלום\u200F!"))).toBe("<p>שלום\u200F!</p>");
});
