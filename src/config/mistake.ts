import type { NamedKey } from "./schema.ts";

/** What somebody gave for a key, and the name they know it by: a variable, a flag, or a key of a file. */
export interface Given {
  path: string;
  name: string;
  input: unknown;
}

/** One sentence: what was given, and what is allowed there. */
export function badValue({ key }: NamedKey, name: string, bad: unknown): string {
  return `${name} is ${key.isSecret ? hidden(bad) : shown(bad)}; it must be ${key.kind.allowed}.`;
}

/** A value in one short line. A login in a URL is hidden, wherever it was put by mistake. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(value.replace(/\/\/.*@/s, "//***@"));
    return text.length > 100 ? `${text.slice(0, 100)}…` : text;
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value === null || value === undefined || ["number", "bigint", "boolean"].includes(typeof value))
    return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function hidden(value: unknown): string {
  return typeof value === "string" ? `a secret of ${value.length} characters` : `a ${typeof value}`;
}

/** A name as it is when it is one, else quoted: it may come from anywhere and end up on a terminal. */
export function quoted(name: string): string {
  return /^[\w$.-]+$/.test(name) ? name : shown(name);
}
