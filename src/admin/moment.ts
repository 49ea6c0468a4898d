import { Refusal } from "../errors.ts";
import { readIsoTime } from "../suppressions/iso-time.ts";

/** A time as a browser's field has it, without a zone and so meant as UTC; undefined where it was left empty. */
export function readMoment(field: string, text: string | undefined): Date | undefined {
  if (text === undefined || text === "") return undefined;
  const at = readIsoTime(`${text}Z`);
  if (at) return at;
  throw new Refusal(
    "validation_error",
    `Invalid \`${field}\` field. Write a time such as 2026-03-01T12:00, which is meant as UTC.`,
  );
}

/** People mean the last day of a range to be counted in; what is no day, or a time of one, stays as it was written. */
export function dayAfter(text: string): string {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return text;
  try {
    return Temporal.PlainDate.from(text).add({ days: 1 }).toString();
  } catch {
    return text;
  }
}
