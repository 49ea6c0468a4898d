/** Whom a dynamic segment holds, as a client says it and as it is stored. */
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { readIsoTime } from "../suppressions/iso-time.ts";
import type { PropertyType, PropertyValue, Subscription } from "./schema.ts";

const comparing = [
  "equals",
  "not_equals",
  "contains",
  "not_contains",
  "starts_with",
  "ends_with",
  "greater_than",
  "less_than",
] as const;
const bare = ["is_set", "is_not_set"] as const;
export type Operator = (typeof comparing)[number] | (typeof bare)[number];

const behaviours = ["delivered", "opened", "clicked", "bounced"] as const;
export type Behaviour = (typeof behaviours)[number];

/** Something known of a contact: one of `contactFields`, or `properties.` and a key. */
export interface FieldRule {
  field: string;
  operator: Operator;
  /** Absent for `is_set` and `is_not_set`. */
  value?: PropertyValue;
}

export type Leaf =
  | FieldRule
  | { topic_id: string; subscription: Subscription }
  /** Of a static segment. */
  | { segment_id: string; is_member: boolean }
  /** Whether it ever happened, or within some days. */
  | { event: Behaviour; happened: boolean; within_days?: number }
  /** Known for so long, and neither opened nor clicked anything in that time. */
  | { silent_days: number };

export type Rules = { all: Rule[] } | { any: Rule[] };
export type Rule = Leaf | Rules;

/** What every contact has, and what it is compared as. */
export const contactFields: ReadonlyMap<string, PropertyType> = new Map([
  ["email", "string"],
  ["first_name", "string"],
  ["last_name", "string"],
  ["unsubscribed", "boolean"],
  ["created_at", "date"],
]);

export const propertyPrefix = "properties.";

const comparisonsOf: Record<PropertyType, readonly Operator[]> = {
  string: comparing.filter((each) => !each.endsWith("_than")),
  number: ["equals", "not_equals", "greater_than", "less_than"],
  boolean: ["equals", "not_equals"],
  date: ["equals", "not_equals", "greater_than", "less_than"],
};

/** How a field of a type may be asked about. */
export const operatorsOf = (type: PropertyType): readonly Operator[] => [...comparisonsOf[type], ...bare];

/** A group in a group in a group is what a person can still read; a hundred rules what a query can still bear. */
const mostLevels = 4;
const mostRules = 100;
const mostDays = 36_500;
const longestValue = 2_000;

/** Reads what a client sent; `typeOf` knows the team's properties. */
export function readRules(given: unknown, typeOf: (key: string) => PropertyType | undefined): Rules {
  let left = mostRules;
  const readGroup = (group: Record<string, unknown>, path: string, levels: number): Rules => {
    const word = "all" in group ? "all" : "any";
    const list = group[word];
    if (levels === 0) throw wrong(path, `Groups may stand in groups, ${mostLevels} deep at most.`);
    if (!Array.isArray(list) || list.length === 0 || Object.keys(group).length > 1) {
      throw wrong(`${path}.${word}`, "A group is `all` or `any` of a list of rules that is not empty.");
    }
    const rules = list.map((each, index) => readRule(each, `${path}.${word}.${index}`, levels));
    return word === "all" ? { all: rules } : { any: rules };
  };
  const readRule = (rule: unknown, path: string, levels: number): Rule => {
    if (!isObject(rule)) throw wrong(path, "A rule is an object.");
    if (left-- === 0) throw wrong("rules", `There may be ${mostRules} rules at most.`);
    return "all" in rule || "any" in rule ? readGroup(rule, path, levels - 1) : readLeaf(rule, path, typeOf);
  };
  if (!isObject(given) || !("all" in given || "any" in given)) {
    throw wrong("rules", 'They are a group: `{ "all": [ … ] }` or `{ "any": [ … ] }`.');
  }
  return readGroup(given, "rules", mostLevels);
}

function readLeaf(
  rule: Record<string, unknown>,
  path: string,
  typeOf: (key: string) => PropertyType | undefined,
): Leaf {
  if ("field" in rule) return readField(rule, path, typeOf);
  if ("topic_id" in rule) {
    return {
      topic_id: readId(rule, path, "topic_id"),
      subscription: readWord(rule, path, "subscription", ["opt_in", "opt_out"]),
    };
  }
  if ("segment_id" in rule) {
    return { segment_id: readId(rule, path, "segment_id"), is_member: readFlag(rule, path, "is_member") };
  }
  if ("silent_days" in rule) return { silent_days: readDays(rule, path, "silent_days") };
  if ("event" in rule) {
    return {
      event: readWord(rule, path, "event", behaviours),
      happened: readFlag(rule, path, "happened"),
      ...(rule.within_days !== undefined && { within_days: readDays(rule, path, "within_days") }),
    };
  }
  throw wrong(path, "A rule has a `field`, `topic_id`, `segment_id`, `event` or `silent_days`.");
}

function readField(
  rule: Record<string, unknown>,
  path: string,
  typeOf: (key: string) => PropertyType | undefined,
): FieldRule {
  const field = String(rule.field);
  const type = field.startsWith(propertyPrefix)
    ? typeOf(field.slice(propertyPrefix.length))
    : contactFields.get(field);
  if (!type) {
    throw wrong(
      `${path}.field`,
      `It must be ${[...contactFields.keys()].map((each) => `\`${each}\``).join(", ")}, or \`properties.\` and the key of a contact property that exists.`,
    );
  }
  const operator = readWord(rule, path, "operator", operatorsOf(type));
  if (operator === "is_set" || operator === "is_not_set") return { field, operator };
  return { field, operator, value: readValue(rule.value, type, `${path}.value`) };
}

function readValue(value: unknown, type: PropertyType, path: string): PropertyValue {
  switch (type) {
    case "string":
      if (typeof value === "string" && value !== "" && value.length <= longestValue) return value;
      throw wrong(path, `It must be text of 1 to ${longestValue} characters.`);
    case "number":
      if (typeof value === "number" && Number.isFinite(value)) return value;
      throw wrong(path, "It must be a number.");
    case "boolean":
      if (typeof value === "boolean") return value;
      throw wrong(path, "It must be true or false.");
    case "date": {
      const date = typeof value === "string" ? readDate(value) : undefined;
      if (date !== undefined) return date;
      throw wrong(path, `It must be ${dateForms}.`);
    }
  }
}

export const dateForms =
  "a date such as `2026-08-05`, or an ISO 8601 time with its time zone, such as `2026-08-05T11:52:01Z`";

/** A date in the one form that text can be compared by; a day is its first moment in UTC. */
export function readDate(text: string): string | undefined {
  const day = /^\d{4}-\d\d-\d\d$/.test(text.trim()) ? `${text.trim()}T00:00:00Z` : text;
  return readIsoTime(day)?.toISOString();
}

function readWord<const W extends string>(
  rule: Record<string, unknown>,
  path: string,
  name: string,
  words: readonly W[],
): W {
  const found = words.find((word) => word === rule[name]);
  if (found !== undefined) return found;
  throw wrong(`${path}.${name}`, `Allowed: ${words.map((word) => JSON.stringify(word)).join(", ")}.`);
}

function readId(rule: Record<string, unknown>, path: string, name: string): string {
  const id = rule[name];
  if (typeof id === "string" && isId(id)) return id.toLowerCase();
  throw wrong(`${path}.${name}`, "It must be a valid UUID.");
}

function readFlag(rule: Record<string, unknown>, path: string, name: string): boolean {
  const flag = rule[name] ?? true;
  if (typeof flag === "boolean") return flag;
  throw wrong(`${path}.${name}`, "It must be true or false.");
}

function readDays(rule: Record<string, unknown>, path: string, name: string): number {
  const days = rule[name];
  if (Number.isInteger(days) && (days as number) >= 1 && (days as number) <= mostDays) return days as number;
  throw wrong(`${path}.${name}`, `It must be a whole number of days from 1 to ${mostDays}.`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const wrong = (path: string, why: string) =>
  new Refusal("validation_error", `Invalid \`${path}\` field. ${why}`);

/** How many there are, in whichever group. */
export function countRules(rules: Rules): number {
  const list = "all" in rules ? rules.all : rules.any;
  return list.reduce((sum, rule) => sum + ("all" in rule || "any" in rule ? countRules(rule) : 1), 0);
}

/** The ids of one kind that rules name, in whichever group. */
export function idsIn(rules: Rules, name: "topic_id" | "segment_id"): string[] {
  const list = "all" in rules ? rules.all : rules.any;
  return list.flatMap((rule) => {
    if ("all" in rule || "any" in rule) return idsIn(rule, name);
    const id = (rule as Record<string, unknown>)[name];
    return typeof id === "string" ? [id] : [];
  });
}

/** The keys of the properties that rules ask for, in whichever group. */
export function propertiesIn(rules: Rules): string[] {
  const list = "all" in rules ? rules.all : rules.any;
  return list.flatMap((rule) => {
    if ("all" in rule || "any" in rule) return propertiesIn(rule);
    return "field" in rule && rule.field.startsWith(propertyPrefix)
      ? [rule.field.slice(propertyPrefix.length)]
      : [];
  });
}
