/** What a template's variables may be called and hold, wherever one is declared or filled in. */
export type VariableValue = string | number;

export const maxVariables = 50;
const maxValueLength = 2_000;

/** Names with a meaning of their own in templates and broadcasts. */
const reservedNames = new Set([
  "FIRST_NAME",
  "LAST_NAME",
  "EMAIL",
  "UNSUBSCRIBE_URL",
  "RESEND_UNSUBSCRIBE_URL",
  "contact",
  "this",
]);

/** Why nothing can be called so, as a sentence; undefined when something can. */
export function variableNameMistake(name: string): string | undefined {
  if (!/^[A-Za-z0-9_]{1,50}$/.test(name)) {
    return `The variable name ${JSON.stringify(name.slice(0, 60))} is invalid: use 1 to 50 ASCII letters, numbers or underscores.`;
  }
  return reservedNames.has(name) ? `The variable name \`${name}\` is reserved.` : undefined;
}

/** Whether a variable can have the value: up to 2,000 characters, or a number that JSON carries exactly. */
export function isVariableValue(value: unknown): value is VariableValue {
  if (typeof value === "string") return value.length <= maxValueLength;
  return typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}
