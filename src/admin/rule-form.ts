/** The rules of a segment as a form has them: what was chosen in each row, finished or not; and as the API has them. */
import type { FieldRule, Leaf, Rule, Rules } from "../contacts/rules.ts";
import type { PropertyType } from "../contacts/schema.ts";
import { besideField } from "./mistakes.ts";
import type { Form } from "./request.ts";
import { readTyped, shownValue } from "./typed-value.ts";

export interface DraftGroup {
  word: "all" | "any";
  items: DraftItem[];
}

/** One row. `about` is a field, `topic`, `segment`, `event.` and what happened, or `silent`. */
export interface DraftRow {
  about: string;
  operator: string;
  value: string;
  days: string;
}

export type DraftItem = DraftRow | DraftGroup;
export const isGroup = (item: DraftItem): item is DraftGroup => "items" in item;

export const emptyRow: DraftRow = { about: "email", operator: "contains", value: "", days: "" };
export const newDraft = (): DraftGroup => ({ word: "all", items: [{ ...emptyRow }] });

/** As deep and as many as the service takes; a form that says more is cut. */
const mostLevels = 4;
const mostItems = 100;

/** Rows and groups are numbered by where they stand: `1.0` is the first in the second, which is a group. */
export function readDraft(form: Form): DraftGroup {
  // Each place once: of a group that is named many times each one would hold all there is below it.
  const paths = [...new Set(form.list("item"))]
    .filter((path) => /^\d{1,3}(\.\d{1,3}){0,4}$/.test(path))
    .slice(0, mostItems);
  const groups = new Set(form.list("group"));
  const wordOf = (path: string) => (form.text(`word:${path}`) === "any" ? "any" : "all");
  const itemsOf = (path: string): DraftItem[] =>
    paths
      .filter((each) => parentOf(each) === path)
      .map((each) =>
        groups.has(each)
          ? { word: wordOf(each), items: itemsOf(each) }
          : {
              ...{ about: form.text(`about:${each}`), operator: form.text(`operator:${each}`) },
              ...{ value: form.text(`value:${each}`), days: form.text(`days:${each}`) },
            },
      );
  return { word: wordOf(""), items: itemsOf("") };
}

const parentOf = (path: string) => path.split(".").slice(0, -1).join(".");

/** What a button of the builder asks for: `rule:1`, `group:`, `remove:1.0`. */
export function changeDraft(draft: DraftGroup, act: string): DraftGroup {
  const [what = "", path = ""] = act.split(":");
  const steps = path === "" ? [] : path.split(".").map(Number);
  if (what === "remove") return without(draft, steps);
  if (what === "rule") return within(draft, steps, { ...emptyRow });
  if (what === "group" && steps.length < mostLevels - 1) {
    return within(draft, steps, { word: draft.word === "all" ? "any" : "all", items: [{ ...emptyRow }] });
  }
  return draft;
}

function within(group: DraftGroup, [step, ...rest]: number[], item: DraftItem): DraftGroup {
  if (step === undefined) return { ...group, items: [...group.items, item] };
  return {
    ...group,
    items: group.items.map((each, at) => (at === step && isGroup(each) ? within(each, rest, item) : each)),
  };
}

/** An empty group is none; the last row of all stays, emptied. */
function without(group: DraftGroup, steps: number[]): DraftGroup {
  const cut = (from: DraftGroup, [step, ...rest]: number[]): DraftGroup => ({
    ...from,
    items: from.items.flatMap((each, at) => {
      if (at !== step) return [each];
      if (rest.length === 0 || !isGroup(each)) return [];
      const left = cut(each, rest);
      return left.items.length > 0 ? [left] : [];
    }),
  });
  const left = cut(group, steps);
  return left.items.length > 0 ? left : { ...left, items: [{ ...emptyRow }] };
}

/** As the service takes them; what is not finished is for it to refuse. */
export function toRules(draft: DraftGroup, typeOf: (field: string) => PropertyType | undefined): unknown {
  const toRule = (item: DraftItem): unknown => (isGroup(item) ? toRules(item, typeOf) : toLeaf(item, typeOf));
  const list = draft.items.map(toRule);
  return draft.word === "all" ? { all: list } : { any: list };
}

function toLeaf(
  { about, operator, value, days }: DraftRow,
  typeOf: (field: string) => PropertyType | undefined,
): unknown {
  if (about === "topic") return { topic_id: value, subscription: operator };
  if (about === "segment") return { segment_id: value, is_member: operator !== "is_not_member" };
  if (about === "silent") return { silent_days: readDays(days) };
  if (about.startsWith("event.")) {
    return {
      ...{ event: about.slice("event.".length), happened: operator !== "has_not" },
      ...(days !== "" && { within_days: readDays(days) }),
    };
  }
  const typed = readTyped(typeOf(about) ?? "string", value);
  return { field: about, operator, ...(typed !== null && { value: typed }) };
}

const readDays = (text: string): number | string => (/^\d{1,9}$/.test(text) ? Number(text) : text);

export function toDraft(rules: Rules): DraftGroup {
  const toItem = (rule: Rule): DraftItem => ("all" in rule || "any" in rule ? toDraft(rule) : toRow(rule));
  return "all" in rules
    ? { word: "all", items: rules.all.map(toItem) }
    : { word: "any", items: rules.any.map(toItem) };
}

function toRow(leaf: Leaf): DraftRow {
  const row = { about: "", operator: "", value: "", days: "" };
  if ("topic_id" in leaf)
    return { ...row, about: "topic", operator: leaf.subscription, value: leaf.topic_id };
  if ("segment_id" in leaf) {
    const operator = leaf.is_member ? "is_member" : "is_not_member";
    return { ...row, about: "segment", operator, value: leaf.segment_id };
  }
  if ("silent_days" in leaf) return { ...row, about: "silent", days: String(leaf.silent_days) };
  if ("event" in leaf) {
    const operator = leaf.happened ? "has" : "has_not";
    return { ...row, about: `event.${leaf.event}`, operator, days: String(leaf.within_days ?? "") };
  }
  const { field, operator, value } = leaf as FieldRule;
  return { ...row, about: field, operator, value: shownValue(value) };
}

/** Where a refusal of the service points: `rules.all.1.any.0.value` is the row `1.0`. */
export function placeOfMistake(message: string): { path: string; sentence: string } | undefined {
  const [, where] = /^Invalid `rules((?:\.(?:all|any)\.\d+)+)[^`]*` field\. /.exec(message) ?? [];
  if (where === undefined) return undefined;
  const path = [...where.matchAll(/\d+/g)].join(".");
  return { path, sentence: besideField(message) };
}
