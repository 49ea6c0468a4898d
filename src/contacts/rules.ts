import type { TSchema } from "@sinclair/typebox";
import { type Static, Type as t } from "@sinclair/typebox";

/** How a value is compared; the words that need no value are in `bare`. */
const comparisons = [
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

const words = <const T extends readonly string[]>(list: T) =>
  t.Union(list.map((word) => t.Literal(word as T[number])));

const value = t.Union([t.String({ maxLength: 2_000 }), t.Number(), t.Boolean()]);

/** Something known of a contact: `email`, `first_name`, `last_name`, `unsubscribed`, `created_at` or a property. */
const fieldRule = t.Union([
  t.Object({
    field: t.String({ maxLength: 64, description: "A field of contacts, or `properties.` and a key." }),
    operator: words(comparisons),
    value,
  }),
  t.Object({ field: t.String({ maxLength: 64 }), operator: words(bare) }),
]);

const topicRule = t.Object({
  topic_id: t.String({ format: "uuid" }),
  subscription: words(["opt_in", "opt_out"] as const),
});

const memberRule = t.Object({
  segment_id: t.String({ format: "uuid", description: "A static segment." }),
  is_member: t.Boolean(),
});

const days = t.Integer({ minimum: 1, maximum: 36_500 });

/** What was between us and a contact: ever, or within some days. `silent` is: neither opened nor clicked in them. */
const behaviourRule = t.Union([
  t.Object({
    event: words(["delivered", "opened", "clicked", "bounced"] as const),
    happened: t.Boolean(),
    within_days: t.Optional(days),
  }),
  t.Object({ silent_days: days }),
]);

const leaf = t.Union([fieldRule, topicRule, memberRule, behaviourRule]);
export type Leaf = Static<typeof leaf>;

/** Groups in groups, three deep: enough for what a person can still read. */
const group = <S extends TSchema>(of: S) =>
  t.Union([
    t.Object({ all: t.Array(of, { minItems: 1, maxItems: 50 }) }),
    t.Object({ any: t.Array(of, { minItems: 1, maxItems: 50 }) }),
  ]);
const inner = group(leaf);
const middle = group(t.Union([leaf, inner]));
/** Whom a dynamic segment holds. */
export const rulesShape = group(t.Union([leaf, inner, middle]));
export type Rules = Static<typeof rulesShape>;
