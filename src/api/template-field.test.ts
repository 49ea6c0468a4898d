import { expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import { readTemplateField } from "./template-field.ts";

function refusal(value: unknown): string {
  try {
    readTemplateField(value);
  } catch (error) {
    if (error instanceof Refusal) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("it was not refused");
}

test("a template is named by its id or alias, and its variables are text and numbers", () => {
  expect(readTemplateField({ id: "welcome" })).toEqual({ id: "welcome", variables: {} });
  const variables = { NAME: "x".repeat(2_000), age_2: -(2 ** 53 - 1), EMPTY: "" };
  expect(readTemplateField({ id: "welcome", variables })).toEqual({ id: "welcome", variables });
});

const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`V${n}`, n]));

test.each<[unknown, string]>([
  ["welcome", "validation_error: Invalid `template` field. It must be an object"],
  [["welcome"], "validation_error: Invalid `template` field. It must be an object"],
  [{}, "missing_required_field: Missing `template.id` field."],
  [{ id: "" }, "missing_required_field: Missing `template.id` field."],
  [{ id: 7 }, "validation_error: Invalid `template` field. Its `id` must be a string."],
  [{ id: "a", variables: ["x"] }, "validation_error: Invalid `template` field. The `variables` must map"],
  [{ id: "a", variables: names(51) }, "validation_error: Invalid `template` field. It can have at most 50"],
  [
    { id: "a", variables: { "first name": "x" } },
    'validation_error: Invalid `template` field. The variable name "first name" is invalid',
  ],
  [
    { id: "a", variables: { ["x".repeat(51)]: "x" } },
    "validation_error: Invalid `template` field. The variable name",
  ],
  [
    { id: "a", variables: { FIRST_NAME: "x" } },
    "validation_error: Invalid `template` field. The variable name `FIRST_NAME` is reserved.",
  ],
  [
    { id: "a", variables: { this: "x" } },
    "validation_error: Invalid `template` field. The variable name `this` is reserved.",
  ],
  [
    { id: "a", variables: { A: "x".repeat(2_001) } },
    "validation_error: Invalid `template` field. The value of `A` must be",
  ],
  [
    { id: "a", variables: { A: 2 ** 53 } },
    "validation_error: Invalid `template` field. The value of `A` must be",
  ],
  [
    { id: "a", variables: { A: true } },
    "validation_error: Invalid `template` field. The value of `A` must be",
  ],
  [
    { id: "a", variables: { A: null } },
    "validation_error: Invalid `template` field. The value of `A` must be",
  ],
])("%j is refused", (value, message) => expect(refusal(value)).toStartWith(message));
