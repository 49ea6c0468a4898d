/** What both doors read of a question in the same way: lists, ids, a tag, a time zone. */
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { isTimezone } from "./range.ts";

const mostIds = 100;

/** Values that come with commas, repeated, or both; each once. */
export function readList(given: readonly string[]): string[] {
  const values = given.flatMap((list) => list.split(",")).map((value) => value.trim());
  return [...new Set(values.filter((value) => value !== ""))];
}

/** The ids of a parameter. */
export function readIds(name: string, given: readonly string[]): string[] {
  const values = readList(given);
  if (values.length > mostIds) {
    throw new Refusal(
      "validation_error",
      `The \`${name}\` parameter takes ${mostIds} ids at most: ask for the others in another request.`,
    );
  }
  if (!values.every(isId)) throw new Refusal("invalid_parameter", `The \`${name}\` must be a valid UUID.`);
  return values.map((id) => id.toLowerCase());
}

/** `name`, or `name:value`: neither may hold a colon. */
export function readTag(text: string): { name: string; value?: string } {
  const [name = "", ...value] = text.split(":");
  return value.length === 0 ? { name } : { name, value: value.join(":") };
}

export function readTimezone(name: string): string {
  if (isTimezone(name)) return name;
  throw new Refusal(
    "validation_error",
    "Invalid `timezone` parameter. It must be the name of an IANA time zone, such as `America/New_York`.",
  );
}
