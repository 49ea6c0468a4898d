import type { PropertyType, PropertyValue } from "../contacts/schema.ts";

/** What a field of a form says as a value of a type; null where it is empty. What is none of its type stays text, for the service to refuse. */
export function readTyped(type: PropertyType | string, text: string): PropertyValue | null {
  if (text === "") return null;
  if (type === "number") return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : text;
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

/** The same the other way. The first moment of a day in UTC is that day. */
export function shownValue(value: PropertyValue | null | undefined): string {
  return String(value ?? "").replace(/^(\d{4}-\d\d-\d\d)T00:00:00\.000Z$/, "$1");
}
