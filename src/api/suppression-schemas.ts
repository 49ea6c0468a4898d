import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { type SuppressionReason, suppressionReasons } from "../suppressions/schema.ts";
import { pageQuery } from "./list.ts";
import { searchedListOf } from "./openapi.ts";

const addressForms = "The email address needs to follow the `email@example.com` format.";
const address = t.String({ description: addressForms, examples: ["ada@example.com"] });
const addresses = t.Array(address, {
  minItems: 1,
  maxItems: 100,
  description: "It must be a list of 1 to 100 email addresses.",
});

const expiryFields = {
  expires_at: t.Optional(
    t.Union([t.String({ examples: ["2030-08-05T11:52:01Z"] }), t.Null()], {
      description: "An ISO 8601 time in the future; until then the address is suppressed.",
    }),
  ),
  expires_in: t.Optional(
    t.Union([t.String({ examples: ["30d"] }), t.Number(), t.Null()], {
      description: 'A duration such as "12h" or "30d", instead of `expires_at`; a plain number is seconds.',
    }),
  ),
};

const oneReason = t.Union(suppressionReasons.map((reason) => t.Literal(reason)));
const reason = t.Optional(
  t.Union(oneReason.anyOf, { description: "Why; `manual` when absent.", examples: ["manual"] }),
);

export const addition = t.Object({ email: address, reason, ...expiryFields }, { additionalProperties: true });
export const additions = t.Object(
  { emails: addresses, reason, ...expiryFields },
  { additionalProperties: true },
);

const ids = t.Array(t.String({ description: "Every id must be a UUID." }), {
  minItems: 1,
  maxItems: 100,
  description: "It must be a list of 1 to 100 ids.",
});
export const removals = t.Object(
  {
    emails: t.Optional(t.Union([addresses, t.Null()], { description: addresses.description })),
    ids: t.Optional(t.Union([ids, t.Null()], { description: ids.description })),
  },
  {
    additionalProperties: true,
    description: "Either `emails` or `ids`.",
    examples: [{ emails: ["ada@example.com"] }],
  },
);

/** What each word for an origin means in our own. Clients know three; an unsubscribe comes nearest to "manual". */
export const reasonsOf: Record<SuppressionReason, SuppressionReason[]> = {
  bounce: ["bounce"],
  complaint: ["complaint"],
  manual: ["manual", "unsubscribe"],
  unsubscribe: ["unsubscribe"],
};
export const listQuery = t.Object(
  {
    ...pageQuery.properties,
    origin: t.Optional(oneReason),
    search: t.Optional(
      t.String({ description: "Only addresses that begin so, by the alphabet.", examples: ["ada@"] }),
    ),
  },
  { additionalProperties: true },
);

/** For the lines that say nothing themselves. */
export const importQuery = t.Object(
  {
    origin: t.Optional(oneReason),
    expires_at: t.Optional(t.String({ description: "For lines that have none of their own." })),
    expires_in: t.Optional(t.String({ description: 'The same as a duration, such as "30d".' })),
  },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const orNull = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()]);
const time = Type.String({ format: "date-time" });
const item = {
  id,
  email: Type.String({ description: "As it is compared with recipients: lower-case, its domain in ASCII." }),
  origin: Type.Union([Type.Literal("bounce"), Type.Literal("complaint"), Type.Literal("manual")]),
  reason: Type.Union(
    suppressionReasons.map((reason) => Type.Literal(reason)),
    { description: 'The same, more exactly: an `unsubscribe` is of the origin "manual".' },
  ),
  source_id: Type.Union([id, Type.Null()], { description: "The email that caused it." }),
  created_at: time,
  expires_at: orNull(time),
};
const object = { object: Type.Literal("suppression"), id };
const deleted = Type.Object({ ...object, deleted: Type.Literal(true) });

export const reference = Type.Object(object);
export const references = Type.Object({ data: Type.Array(reference) });
export const suppressionList = searchedListOf(
  Type.Object(item),
  Type.String({ examples: ["ada@example.com"] }),
);
export const suppressionAnswer = Type.Object({ object: Type.Literal("suppression"), ...item });
export const removedAnswer = deleted;
export const removedAnswers = Type.Object({ data: Type.Array(deleted) });
