import type { Static } from "elysia";
import { Refusal } from "../errors.ts";
import type { TemplateInput } from "../templates/content.ts";
import { isVariableValue } from "../templates/variables.ts";
import type { change } from "./template-schemas.ts";

/** What a request says of a template, in the room's words; what is absent stays absent. */
export function toInput(body: Static<typeof change>): TemplateInput {
  const { name, description, alias, from, subject, reply_to: replyTo, html, text, variables } = body;
  return {
    ...{ name, description, alias, from, subject, html, text },
    replyTo: replyTo === null ? [] : typeof replyTo === "string" ? [replyTo] : replyTo,
    variables: variables === undefined ? undefined : (variables ?? []).map(toVariable),
  };
}

function toVariable({
  key,
  type,
  fallback_value: fallbackValue,
}: {
  key: string;
  type: string;
  fallback_value?: unknown;
}) {
  if (fallbackValue === undefined || fallbackValue === null) return { key, type };
  if (isVariableValue(fallbackValue)) return { key, type, fallbackValue };
  throw new Refusal(
    "validation_error",
    "Invalid `variables` field. A `fallback_value` must be text of at most 2,000 characters, or a number of at most 2^53 - 1.",
  );
}
