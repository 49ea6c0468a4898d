/** Judges what a template is to say, before any of it is stored. */
import { Refusal } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { parseAddress } from "../mail/address.ts";
import { readFields } from "../mail/merge.ts";
import { type TemplateContent, type TemplateVariable, type VariableType, variableTypes } from "./schema.ts";
import { isVariableValue, maxVariables, type VariableValue, variableNameMistake } from "./variables.ts";

/** What a client gives of a template; nothing in it has been believed yet. Null takes away. */
export interface TemplateInput {
  name?: string;
  description?: string | null;
  alias?: string | null;
  from?: string | null;
  subject?: string | null;
  replyTo?: string[];
  html?: string;
  text?: string | null;
  variables?: VariableInput[];
}

export interface VariableInput {
  key: string;
  type: string;
  fallbackValue?: VariableValue | null;
}

const maxNameLength = 200;
const maxDescriptionLength = 1_000;
const maxSubjectLength = 2_000;
const maxSenderLength = 1_000;
const maxReplyTo = 50;
const maxBodyLength = 1_000_000;

export function readName(name: string): string {
  const trimmed = name.trim();
  const isFine = trimmed.length > 0 && trimmed.length <= maxNameLength && !/\p{Cc}/u.test(trimmed);
  if (isFine) return trimmed;
  throw invalid("name", `It must be 1 to ${maxNameLength} characters long, without control characters.`);
}

export function readDescription(description: string | null): string | null {
  if (description === null || description === "") return null;
  if (description.length <= maxDescriptionLength) return description;
  throw invalid("description", `It can be at most ${maxDescriptionLength} characters long.`);
}

/** A name that stands for the id in paths and in `template.id`. */
export function readAlias(alias: string | null): string | null {
  if (alias === null || alias === "") return null;
  if (/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/.test(alias) && !isId(alias)) return alias;
  throw invalid(
    "alias",
    "Use 1 to 100 ASCII letters, numbers, dots, dashes or underscores, with a letter or number first and last; a UUID can't be an alias.",
  );
}

/** The content that is asked for; what is absent is as `before` had it. */
export function readContent(input: TemplateInput, before: TemplateContent, now: Date): TemplateContent {
  const { from, subject, replyTo, html, text, variables } = input;
  return {
    sender: from === undefined ? before.sender : readSender(from),
    subject: subject === undefined ? before.subject : readSubject(subject),
    replyTo: replyTo === undefined ? before.replyTo : readReplyTo(replyTo),
    html: html === undefined ? before.html : readBody("html", html),
    text: text === undefined ? before.text : text === null ? null : readBody("text", text),
    variables: variables === undefined ? before.variables : readVariables(variables, before.variables, now),
  };
}

export const emptyContent: TemplateContent = {
  ...{ sender: null, subject: null, replyTo: [], html: "", text: null, variables: [] },
};

function readSender(sender: string | null): string | null {
  if (sender === null || sender === "") return null;
  if (sender.length <= maxSenderLength && isAddress(sender)) return sender;
  throw new Refusal("invalid_from_address", invalidAddress("from"));
}

/** With fields in it, only what becomes of it can be judged: when it is sent. */
const isAddress = (text: string): boolean => readFields(text).length > 0 || parseAddress(text) !== undefined;

function invalidAddress(field: string): string {
  return `Invalid \`${field}\` field. The email address needs to follow the \`email@example.com\` or \`Name <email@example.com>\` format.`;
}

function readSubject(subject: string | null): string | null {
  if (subject === null || subject === "") return null;
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(subject)) {
    throw invalid("subject", "It can't contain line breaks or control characters.");
  }
  if (subject.length <= maxSubjectLength) return subject;
  throw invalid("subject", `It can be at most ${maxSubjectLength} characters long.`);
}

function readReplyTo(addresses: string[]): string[] {
  if (addresses.length > maxReplyTo) {
    throw new Refusal("validation_error", `The \`reply_to\` field can hold at most ${maxReplyTo} addresses.`);
  }
  if (addresses.every((text) => text.length <= maxSenderLength && isAddress(text))) return addresses;
  throw new Refusal("validation_error", invalidAddress("reply_to"));
}

function readBody(field: string, body: string): string {
  if (body.length <= maxBodyLength) return body;
  throw invalid(field, `It can be at most ${maxBodyLength.toLocaleString("en")} characters long.`);
}

/** Of variables that are declared again their ids stay. */
function readVariables(inputs: VariableInput[], before: TemplateVariable[], now: Date): TemplateVariable[] {
  if (inputs.length > maxVariables) throw invalidVariables(`A template can have at most ${maxVariables}.`);
  const keys = new Set(inputs.map(({ key }) => key));
  if (keys.size < inputs.length) throw invalidVariables("Every `key` can be declared once only.");
  return inputs.map((input) => {
    const declared = { ...readVariable(input), key: input.key };
    const known = before.find(({ key }) => key === input.key);
    const isSame = known?.type === declared.type && known.fallback_value === declared.fallback_value;
    if (known && isSame) return known;
    const at = now.toISOString();
    return { id: known?.id ?? newId(), ...declared, created_at: known?.created_at ?? at, updated_at: at };
  });
}

function readVariable({
  key,
  type: wanted,
  fallbackValue = null,
}: VariableInput): Pick<TemplateVariable, "type" | "fallback_value"> {
  const mistake = variableNameMistake(key);
  if (mistake) throw invalidVariables(mistake);
  const type = variableTypes.find((each) => each === wanted);
  if (!type) throw invalidVariables(`The \`type\` of \`${key}\` must be \`string\` or \`number\`.`);
  if (fallbackValue !== null && !isFallback(fallbackValue, type)) {
    const what = type === "string" ? "text of at most 2,000 characters" : "a number of at most 2^53 - 1";
    throw invalidVariables(
      `The \`fallback_value\` of \`${key}\` must be ${what}, as its type is \`${type}\`.`,
    );
  }
  return { type, fallback_value: fallbackValue };
}

const isFallback = (value: unknown, type: VariableType): boolean =>
  typeof value === type && isVariableValue(value);

function invalid(field: string, hint: string): Refusal {
  return new Refusal("validation_error", `Invalid \`${field}\` field. ${hint}`);
}

const invalidVariables = (hint: string) => invalid("variables", hint);
