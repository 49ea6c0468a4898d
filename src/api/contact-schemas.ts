import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { importStatuses, subscriptions } from "../contacts/schema.ts";
import { pageQuery } from "./list.ts";
import { listOf, searchedListOf } from "./openapi.ts";

const uuidForm = "It must be a valid UUID.";
const orNull = <S extends ReturnType<typeof t.String>>(schema: S) => t.Union([schema, t.Null()]);
const firstName = t.String({ examples: ["Ada"] });
const lastName = t.String({ examples: ["Lovelace"] });
const subscription = t.Union([t.Literal("opt_in"), t.Literal("opt_out")]);

const fields = {
  first_name: t.Optional(orNull(firstName)),
  last_name: t.Optional(orNull(lastName)),
  unsubscribed: t.Optional(
    t.Union([t.Boolean(), t.Null()], { description: "From all broadcasts; true or false." }),
  ),
  properties: t.Optional(
    t.Union([t.Record(t.String(), t.Unknown(), { examples: [{ plan: "pro" }] }), t.Null()], {
      description: "Values by the keys of contact properties; null takes one away.",
    }),
  ),
};
const topicChoice = t.Object(
  { id: t.String({ format: "uuid", description: uuidForm }), subscription },
  { additionalProperties: true },
);

export const contactCreation = t.Object(
  {
    email: t.String({
      description: "The email address needs to follow the `email@example.com` format.",
      examples: ["ada@example.com"],
    }),
    ...fields,
    segments: t.Optional(
      t.Union(
        [
          t.Array(
            t.Union([
              t.Object({ id: t.String({ format: "uuid" }) }, { additionalProperties: true }),
              t.String({ format: "uuid" }),
            ]),
            { maxItems: 100 },
          ),
          t.Null(),
        ],
        {
          description: "Static segments to put the contact into: a list of objects with an `id`, or of ids.",
        },
      ),
    ),
    topics: t.Optional(t.Union([t.Array(topicChoice, { maxItems: 100 }), t.Null()])),
    audience_id: t.Optional(
      t.Union([t.String({ format: "uuid" }), t.Null()], {
        description: "Another name of one of `segments`.",
      }),
    ),
  },
  { additionalProperties: true },
);
export const contactChanges = t.Object(fields, { additionalProperties: true });
export const topicChoices = t.Array(topicChoice, {
  maxItems: 100,
  description: "An object with the list as its `topics` is taken too.",
});

export const contactsQuery = t.Object(
  {
    ...pageQuery.properties,
    segment_id: t.Optional(t.String({ format: "uuid", description: "Only those of this segment." })),
    search: t.Optional(
      t.String({
        description:
          "Only those whose address, first or last name begins so; in this order and by the alphabet, or newest first with another filter.",
      }),
    ),
    topic_id: t.Optional(
      t.String({
        format: "uuid",
        description: "Only those who get this topic, or with `subscription` don't.",
      }),
    ),
    subscription: t.Optional(
      t.Union(
        subscriptions.map((each) => t.Literal(each)),
        { description: "To the topic: `opt_in` when absent." },
      ),
    ),
    unsubscribed: t.Optional(
      t.Union([t.Literal("true"), t.Literal("false")], {
        description: "Only those who want no broadcasts at all, or with `false` the others.",
      }),
    ),
  },
  { additionalProperties: true },
);
export const exportQuery = t.Object(
  { segment_id: t.Optional(t.String({ description: "Only the contacts of this segment." })) },
  { additionalProperties: true },
);
export const importsQuery = t.Object(
  {
    ...pageQuery.properties,
    status: t.Optional(t.Union(importStatuses.map((status) => t.Literal(status)))),
  },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const nullable = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()]);

export const contactItem = {
  id,
  email: Type.String({ description: "In lower case, its domain in ASCII.", examples: ["ada@example.com"] }),
  first_name: nullable(Type.String({ examples: ["Ada"] })),
  last_name: nullable(Type.String({ examples: ["Lovelace"] })),
  created_at: time,
  unsubscribed: Type.Boolean(),
};
export const contactList = listOf(Type.Object(contactItem));
export const foundContacts = searchedListOf(Type.Object(contactItem), id);
const values = Type.Record(Type.String(), Type.Unknown(), {
  examples: [{ seats: { type: "number", value: 12 } }],
});
export const contactAnswer = Type.Object({
  object: Type.Literal("contact"),
  ...contactItem,
  properties: values,
});
export const contactCount = Type.Object({
  object: Type.Literal("contact_count"),
  total: Type.Integer({ minimum: 0 }),
  unsubscribed: Type.Integer({ minimum: 0, description: "Those who want no broadcasts at all." }),
});
export const contactReference = Type.Object({ object: Type.Literal("contact"), id });
export const contactDeleted = Type.Object({
  object: Type.Literal("contact"),
  contact: Type.String({ examples: ["019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b"] }),
  deleted: Type.Literal(true),
});
export const membershipAnswer = Type.Object({
  object: Type.Literal("contact_segment"),
  id: Type.String({ format: "uuid", description: "The segment's, as older clients know it." }),
  contact_id: id,
  segment_id: id,
});
export const membershipDeleted = Type.Object({
  ...membershipAnswer.properties,
  audienceId: id,
  deleted: Type.Literal(true),
});
export const segmentsOfContact = listOf(
  Type.Object({ id, name: Type.String({ examples: ["Newsletter"] }), created_at: time }),
);
const subscribed = Type.Union([Type.Literal("opt_in"), Type.Literal("opt_out")]);
export const topicsOfContact = listOf(
  Type.Object({
    id,
    name: Type.String({ examples: ["Offers"] }),
    description: nullable(Type.String({ examples: ["Once a month"] })),
    subscription: subscribed,
  }),
);
export const topicsChanged = Type.Object({
  object: Type.Literal("contact_topics"),
  id,
  contact_id: id,
  topics: Type.Array(Type.Object({ id, subscription: subscribed })),
});

const count = (description?: string) => Type.Integer({ description });
export const importAnswer = Type.Object({
  object: Type.Literal("contact_import"),
  id,
  status: Type.Union(importStatuses.map((status) => Type.Literal(status))),
  created_at: time,
  completed_at: nullable(time),
  counts: Type.Object({
    total: count("Rows that are dealt with; the header is none."),
    created: count(),
    updated: count(),
    skipped: count(),
    failed: count("`GET /contacts/imports/{id}/errors` tells why."),
  }),
  progress: Type.Number({ description: "How much of the file has been read, from 0 to 1." }),
  size: count("Of the file, in bytes."),
  error: nullable(
    Type.String({
      description: "Why it failed as a whole.",
      examples: ["CSV missing required email column"],
    }),
  ),
});
export const importList = listOf(importAnswer);
export const importReference = Type.Object({ object: Type.Literal("contact_import"), id });

export const importDeleted = Type.Object({
  ...importReference.properties,
  deleted: Type.Literal(true),
});
export const importPreview = Type.Object({
  object: Type.Literal("contact_import_preview"),
  id,
  columns: Type.Array(
    Type.Object({
      name: Type.String({ examples: ["E-mail"] }),
      field: nullable(
        Type.String({
          description: "What it seems to be: a field, or `properties.` and the key of a contact property.",
          examples: ["email"],
        }),
      ),
    }),
  ),
  rows: Type.Array(Type.Array(Type.String({ examples: ["ada@example.com"] })), {
    description: "The first five.",
  }),
});
const mapped = t.Optional(t.Unknown({ examples: [{ email: "E-mail" }] }));
export const importBegin = t.Object(
  {
    column_map: mapped,
    on_conflict: t.Optional(t.Union([t.Literal("upsert"), t.Literal("skip")])),
    resubscribe: t.Optional(t.Boolean()),
    segments: t.Optional(t.Array(t.Unknown(), { examples: [[]] })),
    topics: t.Optional(t.Array(t.Unknown(), { examples: [[]] })),
  },
  { additionalProperties: true, description: "As in the form of `POST /contacts/imports`, but in JSON." },
);

export const importForm = t.Object({
  file: t.String({
    description: "CSV with a header.",
    examples: ["email,first_name\r\nada@example.com,Ada\r\n"],
  }),
  begin: t.Optional(
    t.String({
      description:
        "`false`: the file is only taken, and its import begun by `POST /contacts/imports/{id}/begin`, which says the rest.",
      examples: ["true"],
    }),
  ),
  column_map: t.Optional(
    t.String({
      description:
        "JSON: the names of columns for `email`, `first_name`, `last_name`, `unsubscribed` and `properties`. Without it columns are called so, and properties by their keys; an empty name leaves a column out.",
      examples: ['{"email":"E-mail","properties":{"plan":{"column":"Plan","type":"string"}}}'],
    }),
  ),
  on_conflict: t.Optional(
    t.String({
      description: "`upsert` changes contacts who are there, `skip` leaves them as they are.",
      examples: ["upsert"],
    }),
  ),
  resubscribe: t.Optional(
    t.String({
      description:
        "`true`: who has unsubscribed, or left a topic, comes back where the file or `topics` says so. Without it nobody does.",
      examples: ["false"],
    }),
  ),
  segments: t.Optional(
    t.String({
      description: "JSON: static segments that every contact of the file is put into.",
      examples: ['[{"id":"019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b"}]'],
    }),
  ),
  topics: t.Optional(
    t.String({
      description: "JSON: what every contact of the file wants to hear of.",
      examples: ['[{"id":"019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b","subscription":"opt_in"}]'],
    }),
  ),
});
