import { expect, test } from "bun:test";
import { type Rules, readRules } from "../contacts/rules.ts";
import type { PropertyType } from "../contacts/schema.ts";
import { formOf } from "./request.ts";
import {
  changeDraft,
  type DraftGroup,
  emptyRow,
  placeOfMistake,
  readDraft,
  toDraft,
  toRules,
} from "./rule-form.ts";

const types: Record<string, PropertyType> = {
  email: "string",
  unsubscribed: "boolean",
  created_at: "date",
  "properties.seats": "number",
};
const typeOf = (field: string) => types[field];
const topic = "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b";
const rules: Rules = {
  all: [
    { field: "email", operator: "contains", value: "x" },
    { field: "properties.seats", operator: "greater_than", value: 5 },
    { field: "email", operator: "is_set" },
    {
      any: [
        { topic_id: topic, subscription: "opt_out" },
        { segment_id: topic, is_member: false },
        { all: [{ event: "opened", happened: false, within_days: 30 }, { silent_days: 90 }] },
        { event: "clicked", happened: true },
      ],
    },
    { field: "unsubscribed", operator: "equals", value: false },
    { field: "created_at", operator: "less_than", value: "2026-03-01T00:00:00.000Z" },
  ],
};

/** What a browser sends of a draft. */
function formOfDraft(draft: DraftGroup) {
  const data = new FormData();
  const add = (group: DraftGroup, path: string) => {
    data.append(`word:${path}`, group.word);
    for (const [index, item] of group.items.entries()) {
      const at = path === "" ? String(index) : `${path}.${index}`;
      data.append("item", at);
      if ("items" in item) {
        data.append("group", at);
        add(item, at);
      } else for (const [name, value] of Object.entries(item)) data.append(`${name}:${at}`, value);
    }
  };
  add(draft, "");
  return formOf(data);
}

test("rules come back from the form as they went in", () => {
  const back = toRules(readDraft(formOfDraft(toDraft(rules))), typeOf);
  expect(readRules(back, (key) => types[`properties.${key}`])).toEqual(rules);
});

test("rows and groups are added where their button stands, and an emptied group goes", () => {
  let draft: DraftGroup = { word: "all", items: [{ ...emptyRow, value: "first" }] };
  draft = changeDraft(draft, "group:");
  draft = changeDraft(draft, "rule:1");
  draft = changeDraft(draft, "group:1");
  expect(draft.items[1]).toMatchObject({ word: "any", items: [emptyRow, emptyRow, { items: [emptyRow] }] });
  draft = changeDraft(draft, "remove:0");
  expect(draft.items).toHaveLength(1);
  for (const path of ["0.2.0", "0.1", "0.0"]) draft = changeDraft(draft, `remove:${path}`);
  expect(draft).toEqual({ word: "all", items: [emptyRow] });
});

test("a group stands in a group as deep as the service takes it, and no deeper", () => {
  let draft: DraftGroup = { word: "all", items: [] };
  for (const path of ["", "0", "0.1", "0.1.1"]) draft = changeDraft(draft, `group:${path}`);
  const deepest = toRules(draft, typeOf);
  expect(JSON.stringify(deepest).match(/"a(?:ll|ny)"/g)).toHaveLength(4);
});

test("a refusal is said in the row it is about", () => {
  const draft: DraftGroup = { word: "all", items: [{ word: "any", items: [emptyRow, emptyRow] }] };
  try {
    readRules(toRules(draft, typeOf), () => undefined);
    throw new Error("it was taken");
  } catch (error) {
    expect(placeOfMistake((error as Error).message)).toEqual({
      path: "0.0",
      sentence: "It must be text of 1 to 2000 characters.",
    });
  }
  expect(placeOfMistake("Topic not found")).toBeUndefined();
});

test("what a stranger makes of a form does no more than a form can", () => {
  const data = new FormData();
  for (const path of ["__proto__", "0.0.0.0.0.0", "-1", "1e9", "0"]) data.append("item", path);
  data.append("about:0", "__proto__");
  expect(readDraft(formOf(data))).toEqual({
    word: "all",
    items: [{ about: "__proto__", operator: "", value: "", days: "" }],
  });
});

test("a place that a form names many times is there once, so that its groups don't multiply", () => {
  const form = new FormData();
  for (const path of ["0", "0.0", "0.0.0", "0.0.0.0", "0.0.0.0.0"]) {
    for (let time = 0; time < 20; time++) form.append("item", path);
    form.append("group", path);
  }
  const draft = readDraft(formOf(form));
  expect(JSON.stringify(draft).match(/"word"/g)).toHaveLength(6);
});
