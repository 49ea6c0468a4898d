/** Makes an email of what a template says and what its variables are to be. */
import { Refusal } from "../errors.ts";
import { formatAddress } from "../mail/address.ts";
import { type Merge, type MergeField, mergedLength, mergeLine, readFields } from "../mail/merge.ts";
import type { TemplateContent } from "./schema.ts";
import type { VariableValue } from "./variables.ts";

export type Variables = Record<string, VariableValue>;

/** An email to be; its bodies are the template's, shared by all its emails. */
export interface FilledTemplate {
  from?: string;
  subject?: string;
  replyTo: string[];
  html: string;
  text?: string;
  /** What the fields of the bodies are filled with; absent where they have none. */
  merge?: Merge;
}

/** A field repeats its value wherever it stands, so a small request could ask for a message of any size. */
const maxMergedLength = 2_000_000;

/** Fills a template's lines and says what its bodies are filled with; refuses variables that are missing or wrong. */
export function fillTemplate(content: TemplateContent, given: Variables): FilledTemplate {
  refuseWrongTypes(content, given);
  const missing = missingVariables(content, given);
  if (missing.length > 0) {
    const names = missing.map((name) => `\`${name}\``).join(", ");
    const [word, are, them] = missing.length > 1 ? ["variables", "have", "them"] : ["variable", "has", "it"];
    throw new Refusal(
      "validation_error",
      `The template's ${word} ${names} ${are} no value and no fallback: give ${them} in \`template.variables\`.`,
    );
  }
  return fill(content, given);
}

/** The same for a preview: what is missing is left empty. */
export function fill(content: TemplateContent, given: Variables): FilledTemplate {
  const { sender, subject, replyTo, html, text } = content;
  const whole = mergeOf(content, given);
  const inBodies = [...readFields(html), ...readFields(text ?? "")];
  const merge = inBodies.length > 0 ? onlyFor(inBodies, whole) : undefined;
  if (merge) refuseTooLong(mergedLength(html, merge) + mergedLength(text ?? "", merge));
  return {
    ...(sender !== null && { from: mergeAddress(sender, whole) }),
    ...(subject !== null && { subject: mergeLine(subject, whole) }),
    replyTo: replyTo.map((address) => mergeAddress(address, whole)),
    html,
    ...(text !== null && { text }),
    ...(merge && { merge }),
  };
}

/** The name in an address is whatever its fields make of it; without quotes a comma in it would end the address. */
function mergeAddress(template: string, merge: Merge): string {
  const [, name, address] = /^\s*"?(.*?)"?\s*<([^<>]*)>\s*$/s.exec(template) ?? [];
  if (name === undefined || readFields(name).length === 0) return mergeLine(template, merge);
  return formatAddress({ name: mergeLine(name, merge), address: mergeLine(address!, merge) });
}

/** Variables that an email can't be made without and that have neither a value nor a fallback. */
export function missingVariables(content: TemplateContent, given: Variables): string[] {
  const declared = new Map(content.variables.map((variable) => [variable.key, variable]));
  const fields = fieldsOf(content);
  const used = new Set(fields.map(({ name }) => name));
  const bare = fields.filter(({ fallback }) => fallback === undefined).map(({ name }) => name);
  const idle = [...declared.keys()].filter((name) => !used.has(name));
  return [...new Set([...bare, ...idle])].filter((name) => {
    const isVariable = /^\w+$/.test(name) && name !== "RESEND_UNSUBSCRIBE_URL"; // and nobody's contact
    const fallback = declared.get(name)?.fallback_value ?? null;
    return isVariable && !Object.hasOwn(given, name) && fallback === null;
  });
}

function fieldsOf({ sender, subject, replyTo, html, text }: TemplateContent): MergeField[] {
  return [sender, subject, ...replyTo, html, text].flatMap((part) => readFields(part ?? ""));
}

function mergeOf({ variables }: TemplateContent, values: Variables): Merge {
  const withFallback = variables.filter(({ fallback_value }) => fallback_value !== null);
  return {
    values,
    fallbacks: Object.fromEntries(withFallback.map((each) => [each.key, each.fallback_value!])),
  };
}

/** Only what the fields use: it is stored with every email. */
function onlyFor(fields: MergeField[], { values, fallbacks = {} }: Merge): Merge {
  const used = [...new Set(fields.map(({ name }) => name))];
  const pick = (from: Variables, but: Variables) =>
    Object.fromEntries(
      used.flatMap((name) =>
        Object.hasOwn(from, name) && !Object.hasOwn(but, name) ? [[name, from[name]!]] : [],
      ),
    );
  const rest = pick(fallbacks, values);
  return { values: pick(values, {}), ...(Object.keys(rest).length > 0 && { fallbacks: rest }) };
}

function refuseWrongTypes({ variables }: TemplateContent, given: Variables): void {
  for (const { key, type } of variables) {
    // Any number can be told as text, but not the other way round.
    if (type !== "number" || !Object.hasOwn(given, key) || typeof given[key] === "number") continue;
    throw new Refusal(
      "validation_error",
      `The template's variable \`${key}\` is a number: give it as one in \`template.variables\`.`,
    );
  }
}

function refuseTooLong(length: number): void {
  if (length <= maxMergedLength) return;
  throw new Refusal(
    "validation_error",
    `The template would become ${length.toLocaleString("en")} characters long with these variables; at most ${maxMergedLength.toLocaleString("en")} can be sent.`,
  );
}
