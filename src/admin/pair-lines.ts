import { Refusal } from "../errors.ts";

/** Names and values as people write them into a field, one pair a line with a colon between. */
export function pairsIn(field: string, text: string): [name: string, value: string][] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      if (colon > 0) return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
      throw new Refusal(
        "validation_error",
        `Invalid \`${field}\` field. Write one a line, with a colon between the name and the value.`,
      );
    });
}
