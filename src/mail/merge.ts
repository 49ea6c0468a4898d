/**
 * Merge fields (section 24 of the contract): `{{{NAME|fallback}}}` and `{{{contact.first_name|there}}}`, and the original
 * MailIt's `{{contact.first_name}}`. A template is read once for all its recipients; there is no logic in it, and what is
 * filled in is never read again, so a value that looks like a field stays text.
 */
import { remembering } from "./remembering.ts";
import { applyEdits } from "./text-edits.ts";

export type MergeValue = string | number;

/** By the names of fields, as `readFields` gives them. */
export type MergeValues = Record<string, MergeValue>;

/** What is filled in for one recipient. A field takes its value, else its own fallback, else that of its name, else nothing. */
export type Merge = { values: MergeValues; fallbacks?: MergeValues };

/** A place in a template that is filled in. */
export interface MergeField {
  start: number;
  end: number;
  /** `PRODUCT`, `contact.first_name`, `RESEND_UNSUBSCRIBE_URL`. */
  name: string;
  /** As it stands in the template. */
  fallback: string | undefined;
}

// Every repetition is bounded, or ends at the next brace: reading takes time that grows with the text's length alone.
const fieldPattern =
  /\{\{\{\s{0,20}((?:contact\.)?\w{1,50})\s{0,20}(?:\|([^{}]*))?\}\}\}|\{\{\s{0,20}(contact\.\w{1,50})\s{0,20}(?:\|([^{}]*))?\}\}/g;

/** Older names that the contract still knows. */
const newerNames: Record<string, string> = {
  FIRST_NAME: "contact.first_name",
  LAST_NAME: "contact.last_name",
  EMAIL: "contact.email",
  UNSUBSCRIBE_URL: "RESEND_UNSUBSCRIBE_URL",
};

const isOlder = (name: string): boolean => Object.hasOwn(newerNames, name);

/** The fields of a template, in their order. */
export const readFields = remembering((template: string): readonly MergeField[] =>
  template.includes("{{")
    ? Array.from(template.matchAll(fieldPattern), (match) => {
        const name = match[1] ?? match[3]!;
        return {
          start: match.index,
          end: match.index + match[0].length,
          name: isOlder(name) ? newerNames[name]! : name,
          fallback: (match[2] ?? match[4])?.trim(),
        };
      })
    : [],
);

/** What a field is filled with, before anything is escaped. */
export function filling(field: MergeField, { values, fallbacks = {} }: Merge): string {
  const { name, fallback } = field;
  if (Object.hasOwn(values, name)) return String(values[name]);
  return fallback ?? (Object.hasOwn(fallbacks, name) ? String(fallbacks[name]) : "");
}

/** A text with its fields filled in. */
export function mergeText(template: string, merge: Merge): string {
  const edits = readFields(template).map((field) => ({ ...field, text: filling(field, merge) }));
  return applyEdits(template, edits);
}

/** A subject or another line of a header: whatever the values are, it is one line. */
export function mergeLine(template: string, merge: Merge): string {
  const line = mergeText(template, merge).toWellFormed();
  return line.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}

/** How long a text becomes, before anything is escaped. */
export function mergedLength(template: string, merge: Merge): number {
  const grown = readFields(template).map((field) => filling(field, merge).length - (field.end - field.start));
  return grown.reduce((sum, each) => sum + each, template.length);
}
