import type { TemplateUse } from "../emails/draft.ts";
import { Refusal } from "../errors.ts";
import {
  isVariableValue,
  maxVariables,
  type VariableValue,
  variableNameMistake,
} from "../templates/variables.ts";

/** Reads `template`: a template's id or alias, and what its variables are to be. */
export function readTemplateField(value: unknown): TemplateUse {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("It must be an object with the `id` of a template.");
  }
  const { id, variables } = value as Record<string, unknown>;
  if (id === undefined || id === null || id === "") {
    throw new Refusal("missing_required_field", "Missing `template.id` field.");
  }
  if (typeof id !== "string") throw invalid("Its `id` must be a string.");
  return { id, variables: readVariables(variables ?? {}) };
}

/** Reads the values of variables, by their names. */
export function readVariables(value: unknown, field = "template"): Record<string, VariableValue> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("The `variables` must map names to values.", field);
  }
  const entries = Object.entries(value);
  if (entries.length > maxVariables) throw invalid(`It can have at most ${maxVariables} variables.`, field);
  return Object.fromEntries(
    entries.map(([name, content]): [string, VariableValue] => {
      const mistake = variableNameMistake(name);
      if (mistake) throw invalid(mistake, field);
      if (!isVariableValue(content)) {
        throw invalid(
          `The value of \`${name}\` must be a string of at most 2,000 characters, or a number of at most 2^53 - 1.`,
          field,
        );
      }
      return [name, content];
    }),
  );
}

function invalid(hint: string, field = "template"): Refusal {
  return new Refusal("validation_error", `Invalid \`${field}\` field. ${hint}`);
}
