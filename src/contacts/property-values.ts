import { Refusal } from "../errors.ts";
import { dateForms, readDate } from "./rules.ts";
import type { ContactProperty, PropertyType, PropertyValue } from "./schema.ts";

export const longestValue = 2_000;

const demands: Record<PropertyType, string> = {
  string: `It must be text of ${longestValue} characters at most.`,
  number: "It must be a number.",
  boolean: "It must be true or false.",
  date: `It must be ${dateForms}.`,
};

/** A value as its type asks for it. */
export function readValue(field: string, type: PropertyType, value: unknown): PropertyValue {
  const read = asType(type, value);
  if (read !== undefined) return read;
  throw new Refusal("validation_error", `Invalid \`${field}\` field. ${demands[type]}`);
}

function asType(type: PropertyType, value: unknown): PropertyValue | undefined {
  switch (type) {
    case "string":
      return typeof value === "string" && isText(value) ? value : undefined;
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "date":
      return typeof value === "string" ? readDate(value) : undefined;
  }
}

const isText = (value: string) =>
  value.length <= longestValue && value.isWellFormed() && !value.includes("\0");

/** The values of a request, by key; null takes one away. Keys that nobody defined are refused: they may be mistyped. */
export function readValues(
  definitions: Map<string, ContactProperty>,
  given: Record<string, unknown>,
): Record<string, PropertyValue | null> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => {
      const definition = definitions.get(key);
      if (!definition) {
        throw new Refusal(
          "validation_error",
          `Invalid \`properties.${key.slice(0, 50)}\` field. There is no contact property of this key: create it with \`POST /contact-properties\` first.`,
        );
      }
      return [key, value === null ? null : readValue(`properties.${key}`, definition.type, value)];
    }),
  );
}

const truths = new Set(["true", "yes", "y", "1", "t"]);
const untruths = new Set(["false", "no", "n", "0", "f"]);

/** What a cell of a file says; undefined when it is neither. */
export function readFlag(cell: string): boolean | undefined {
  const word = cell.trim().toLowerCase();
  return truths.has(word) ? true : untruths.has(word) ? false : undefined;
}

/** A value as a file has it, always in text; undefined when it is none of its type. */
export function readCell(type: PropertyType, cell: string): PropertyValue | undefined {
  if (type === "number")
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(cell) ? asType(type, Number(cell)) : undefined;
  return asType(type, type === "boolean" ? readFlag(cell) : cell);
}
