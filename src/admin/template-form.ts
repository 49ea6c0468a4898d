/** What the form of a template holds, read and written. */
import type { TemplateValues, VariableFields } from "../../views/template-edit.tsx";
import type { TemplateInput, VariableInput } from "../templates/content.ts";
import type { TemplateNow } from "../templates/service.ts";
import { maxVariables, type VariableValue } from "../templates/variables.ts";
import type { Form } from "./request.ts";

export function valuesOf({ template, version }: TemplateNow, testTo: string): TemplateValues {
  return {
    name: template.name,
    alias: template.alias ?? "",
    description: template.description ?? "",
    from: version.sender ?? "",
    subject: version.subject ?? "",
    replyTo: version.replyTo.join("\n"),
    html: version.html,
    text: version.text ?? "",
    hasNoText: version.text === "",
    variables: version.variables.map(({ key, type, fallback_value: fallback }) => ({
      ...{ key, type, fallback: fallback === null ? "" : String(fallback), trial: "" },
    })),
    testTo,
  };
}

/** As it was typed. */
export function readValues(form: Form): TemplateValues {
  return {
    name: form.text("name"),
    alias: form.text("alias"),
    description: form.text("description"),
    from: form.text("from"),
    subject: form.text("subject"),
    replyTo: form.raw("reply_to"),
    html: form.raw("html"),
    text: form.raw("text"),
    hasNoText: form.isTicked("no_text"),
    variables: readRows(form),
    testTo: form.text("test_to"),
  };
}

function readRows(form: Form): VariableFields[] {
  const rows: VariableFields[] = [];
  // One more than there may be, so that the service can say that it is too many.
  for (let index = 0; index <= maxVariables; index++) {
    const key = form.text(`key_${index}`);
    const row = { type: form.text(`type_${index}`) || "string", fallback: form.raw(`fallback_${index}`) };
    if (key !== "") rows.push({ key, ...row, trial: form.raw(`trial_${index}`) });
  }
  return rows;
}

/** Every field is given: what is empty is taken away. */
export function toInput(values: TemplateValues): TemplateInput {
  const { name, alias, description, from, subject, html } = values;
  return {
    ...{ name, alias: alias || null, description: description || null },
    ...{ from: from || null, subject: subject || null, replyTo: linesOf(values.replyTo), html },
    text: values.hasNoText ? "" : values.text === "" ? null : values.text,
    variables: values.variables.map(({ key, type, fallback }): VariableInput => {
      return { key, type, ...(fallback !== "" && { fallbackValue: asTyped(type, fallback) }) };
    }),
  };
}

/** What it is tried with. */
export const toTrials = ({ variables }: TemplateValues): Record<string, VariableValue> =>
  Object.fromEntries(
    variables.flatMap(({ key, type, trial }) => (trial === "" ? [] : [[key, asTyped(type, trial)]])),
  );

/** What is no number stays text, and is refused as such where a number is wanted. */
export function asTyped(type: string, text: string): VariableValue {
  const number = type === "number" && text.trim() !== "" ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : text;
}

/** Addresses, one a line. */
export const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
