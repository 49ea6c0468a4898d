import { describe, expect, test } from "bun:test";
import type { Refusal } from "../errors.ts";
import { fill, fillTemplate, missingVariables, type Variables } from "./fill.ts";
import type { TemplateContent, TemplateVariable } from "./schema.ts";

const variable = (
  key: string,
  type: "string" | "number" = "string",
  fallback_value: string | number | null = null,
): TemplateVariable => ({ id: key, key, type, fallback_value, created_at: "", updated_at: "" });
const content = (changes: Partial<TemplateContent> = {}): TemplateContent => ({
  ...{ sender: null, subject: null, replyTo: [], html: "<p>", text: null, variables: [] },
  ...changes,
});

function refusal(changes: Partial<TemplateContent>, given: Variables = {}): string {
  try {
    fillTemplate(content(changes), given);
  } catch (error) {
    return (error as Refusal).message;
  }
  throw new Error("it was not refused");
}

test("lines are filled in, bodies are left as they are with what they are filled with", () => {
  const template = content({
    sender: "{{{SHOP}}} <hello@example.com>",
    subject: "Hi {{{NAME|there}}}, {{{COUNT}}}",
    replyTo: ["{{{AGENT}}}@example.com"],
    html: "<p>{{{NAME}}} {{{PRICE}}}</p>",
    text: "{{{NAME}}}",
    variables: [
      variable("PRICE", "number", 7),
      variable("COUNT", "number", 2),
      variable("UNUSED", "string", "x"),
    ],
  });
  expect(fillTemplate(template, { SHOP: "Acme", NAME: "A\r\nB", AGENT: "bob", OTHER: 1 })).toEqual({
    from: "Acme <hello@example.com>",
    subject: "Hi A B, 2",
    replyTo: ["bob@example.com"],
    html: "<p>{{{NAME}}} {{{PRICE}}}</p>",
    text: "{{{NAME}}}",
    merge: { values: { NAME: "A\r\nB" }, fallbacks: { PRICE: 7 } },
  });
});

test("the name of a sender may be anything, its address is what is judged", () => {
  const from = (sender: string, given: Variables) => fillTemplate(content({ sender }), given).from;
  expect(from("{{{NAME}}} <a@example.com>", { NAME: 'Bob, "Jr." <eve@example.com>' })).toBe(
    '"Bob, \\"Jr.\\" <eve@example.com>" <a@example.com>',
  );
  expect(from('"{{{NAME}}}" <{{{AT}}}@example.com>', { NAME: "Bob", AT: "a" })).toBe("Bob <a@example.com>");
  expect(from("{{{NAME}}} <a@example.com>", { NAME: "" })).toBe("a@example.com");
  expect(from("{{{AT}}}@example.com", { AT: "a" })).toBe("a@example.com");
  expect(from('"Acme, Inc." <{{{AT}}}@example.com>', { AT: "a" })).toBe('"Acme, Inc." <a@example.com>');
});

test("where the bodies have no fields nothing is to be filled in", () => {
  expect(fillTemplate(content({ subject: "{{{A}}}" }), { A: 1 })).toEqual({
    subject: "1",
    replyTo: [],
    html: "<p>",
  });
});

test("a text that is left empty stays so", () => {
  expect(fillTemplate(content({ text: "" }), {})).toMatchObject({ text: "" });
});

describe("a variable is missing", () => {
  test("when it has no value and no fallback, wherever it stands", () => {
    expect(refusal({ html: "{{{A}}}" })).toBe(
      "The template's variable `A` has no value and no fallback: give it in `template.variables`.",
    );
    for (const changes of [
      { subject: "{{{A}}}" },
      { sender: "{{{A}}}" },
      { replyTo: ["{{{A}}}"] },
      { text: "{{{A}}}" },
    ]) {
      expect(missingVariables(content(changes), {})).toEqual(["A"]);
    }
    expect(refusal({ html: "{{{A}}}{{{B}}}", variables: [variable("B")] })).toStartWith(
      "The template's variables `A`, `B` have no value",
    );
  });

  test("when it is declared without a fallback, though nothing uses it", () => {
    expect(
      missingVariables(content({ variables: [variable("A"), variable("B", "string", "")] }), {}),
    ).toEqual(["A"]);
  });

  test("not where each of its fields has a fallback of its own", () => {
    expect(missingVariables(content({ html: "{{{A|x}}}", variables: [variable("A")] }), {})).toEqual([]);
    expect(missingVariables(content({ html: "{{{A|x}}}{{{A}}}" }), {})).toEqual(["A"]);
  });

  test("not with an empty value, nor where it is a contact's or the server's", () => {
    const html = "{{{A}}}{{{FIRST_NAME}}}{{contact.email}}{{{RESEND_UNSUBSCRIBE_URL}}}";
    expect(missingVariables(content({ html }), { A: "" })).toEqual([]);
  });

  test("and left empty in a preview", () => {
    expect(fill(content({ subject: "[{{{A}}}]", html: "{{{A}}}" }), {})).toMatchObject({
      subject: "[]",
      merge: { values: {} },
    });
  });
});

test("a number is a number, and text may be one", () => {
  const variables = [variable("N", "number"), variable("S")];
  expect(refusal({ html: "{{{N}}}", variables }, { N: "1", S: "" })).toBe(
    "The template's variable `N` is a number: give it as one in `template.variables`.",
  );
  expect(fillTemplate(content({ html: "{{{N}}}{{{S}}}", variables }), { N: 1, S: 2 }).merge).toEqual({
    values: { N: 1, S: 2 },
  });
});

test("a small request does not become a message without end", () => {
  const html = "{{{A}}}".repeat(2_000);
  expect(refusal({ html }, { A: "x".repeat(2_000) })).toStartWith(
    "The template would become 4,000,000 characters",
  );
  expect(fillTemplate(content({ html }), { A: "x" }).html).toBe(html);
});
