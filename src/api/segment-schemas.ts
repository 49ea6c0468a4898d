import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { contactItem } from "./contact-schemas.ts";
import { listOf } from "./openapi.ts";

const exampleRules = {
  all: [
    { field: "properties.plan", operator: "equals", value: "pro" },
    { any: [{ event: "opened", happened: true, within_days: 30 }, { silent_days: 90 }] },
  ],
};
export const rulesDescription =
  "`all` or `any` of a list of rules and of groups like this one. A rule is about a field (`email`, `first_name`, `last_name`, `unsubscribed`, `created_at` or `properties.` and a key; with an `operator` and a `value`), a topic (`topic_id`, `subscription`), a static segment (`segment_id`, `is_member`), what happened (`event`: delivered, opened, clicked or bounced; `happened`, `within_days`), or `silent_days`: neither opened nor clicked anything in so many days.";
const rules = t.Unknown({ description: rulesDescription, examples: [exampleRules] });

const name = t.String({ description: "1 to 100 characters, in one line.", examples: ["Newsletter"] });
export const segmentCreation = t.Object(
  { name, rules: t.Optional(rules) },
  { additionalProperties: true, description: "Without `rules` a static one." },
);
export const segmentChanges = t.Object(
  { name: t.Optional(name), rules: t.Optional(rules) },
  { additionalProperties: true },
);
export const previewRequest = t.Object({ rules }, { additionalProperties: true });
export const audienceCreation = t.Object({ name }, { additionalProperties: true });

const conditions = t.Unknown({
  description: `A list of rules that must all hold, or a group of them: ${rulesDescription}`,
  examples: [[{ field: "properties.plan", operator: "equals", value: "pro" }]],
});
export const audienceSegmentCreation = t.Object({ name, conditions }, { additionalProperties: true });
export const audienceSegmentChanges = t.Object(
  { name: t.Optional(name), conditions: t.Optional(conditions) },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const shownName = Type.String({ examples: ["Newsletter"] });
const item = { id, name: shownName, created_at: Type.String({ format: "date-time" }) };
const shownRules = Type.Unknown({
  description: "Of a dynamic segment; null: a static one.",
  examples: [exampleRules],
});
const audience = Type.Union([id, Type.Null()], {
  description: "The audience that a dynamic segment picks from; null: all contacts.",
});
export const audienceSegment = {
  id,
  name: shownName,
  conditions: Type.Unknown({ examples: [exampleRules] }),
  created_at: item.created_at,
};

/** The answers about one kind of list of contacts; audiences are segments by their older name. */
export const listShapes = (word: "segment" | "audience") => {
  const object = { object: Type.Literal(word) };
  return {
    reference: Type.Object({ ...object, id }),
    created: Type.Object({ ...object, id, name: shownName }),
    whole: Type.Object({
      ...object,
      ...item,
      ...(word === "segment" && { rules: shownRules, audience_id: audience }),
    }),
    list: listOf(Type.Object(item)),
    deleted: Type.Object({ ...object, id, deleted: Type.Literal(true) }),
  };
};

const number = Type.Integer({ minimum: 0, examples: [1_204] });
export const countAnswer = Type.Object({ object: Type.Literal("segment_count"), id, count: number });
export const previewAnswer = Type.Object({
  object: Type.Literal("segment_preview"),
  count: number,
  contacts: Type.Array(Type.Object(contactItem), { description: "The ten newest." }),
});
