import { Refusal } from "../errors.ts";

/** One line of text of a client's; empty text is none, and what is absent stays absent. */
export function readText(
  field: string,
  text: string | null | undefined,
  most: number,
): string | null | undefined {
  if (text === undefined || text === null) return text;
  const trimmed = text.trim().normalize("NFC");
  if (trimmed === "") return null;
  if ([...trimmed].length > most || /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(trimmed)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`${field}\` field. It must have ${most} characters at most, in one line.`,
    );
  }
  return trimmed;
}

/** The same where there must be some. */
export function requireText(field: string, text: string, most: number): string {
  const read = readText(field, text, most);
  if (read) return read;
  throw new Refusal(
    "validation_error",
    `Invalid \`${field}\` field. It must have 1 to ${most} characters, in one line.`,
  );
}

export const longestName = 200;
