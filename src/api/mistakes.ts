import { Refusal } from "../errors.ts";

interface SchemaMistake {
  path: string;
  value: unknown;
  schema: { description?: string; anyOf?: { const?: unknown }[]; const?: unknown };
}

/** Says what is wrong with a request in the contract's words: the first missing field, else the first bad one. */
export function describeMistake(error: unknown): Refusal {
  const [mistake] = mistakesOf(error);
  if (!mistake || mistake.path === "") {
    return new Refusal("validation_error", "The request body must be a JSON object.");
  }
  const field = mistake.path.slice(1).split("/").join(".");
  if (mistake.value === undefined) {
    return new Refusal("missing_required_field", `Missing \`${field}\` field.`);
  }
  const hint = mistake.schema.description ?? allowedValues(mistake.schema);
  return new Refusal("validation_error", `Invalid \`${field}\` field.${hint ? ` ${hint}` : ""}`);
}

function allowedValues(schema: SchemaMistake["schema"]): string | undefined {
  const values = (schema.anyOf ?? [schema]).map((option) => option.const);
  if (values.some((value) => value === undefined)) return undefined;
  return `Allowed: ${values.map((value) => JSON.stringify(value)).join(", ")}.`;
}

function mistakesOf(error: unknown): SchemaMistake[] {
  if (typeof error !== "object" || error === null || !("all" in error)) return [];
  return [...(error.all as Iterable<SchemaMistake>)].filter(({ schema }) => schema !== undefined);
}
