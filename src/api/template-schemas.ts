import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { variableTypes } from "../templates/schema.ts";
import { numberedPageQuery } from "./numbered.ts";
import { listOf, searchedListOf } from "./openapi.ts";

const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });

const variable = Type.Object(
  {
    key: Type.String(),
    type: Type.String({ examples: ["number"] }),
    fallback_value: Type.Optional(Type.Any({ examples: [1] })),
  },
  { additionalProperties: true },
);
const name = t.String({ description: "It must be text.", examples: ["Order confirmation"] });
const html = t.String({
  description: "It must be text; `{{{COUNT}}}` and `{{{COUNT|some}}}` are filled in.",
  examples: ["<p>Thanks for {{{COUNT}}} chairs.</p>"],
});
const text = (about: string, example?: string) =>
  t.Optional(
    orNull(Type.String(example === undefined ? {} : { examples: [example] }), `It must be text${about}.`),
  );
const lines = {
  description: text(""),
  alias: text(": a name of its own, to be used like the id"),
  from: text(", an address"),
  subject: text("", "Your order of {{{COUNT}}} chairs"),
  reply_to: t.Optional(
    orNull(
      Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 50 })]),
      "It must be an address or a list of addresses.",
    ),
  ),
  text: text("; it is made from the html when absent, empty for none", "Thanks for {{{COUNT}}} chairs."),
  variables: t.Optional(
    orNull(
      Type.Array(variable),
      "It must be a list of objects with a `key`, a `type` (`string` or `number`) and, if you like, a `fallback_value`.",
    ),
  ),
};
export const creation = t.Object({ name, html, ...lines }, { additionalProperties: true });
export const change = t.Object(
  { name: t.Optional(name), html: t.Optional(html), ...lines },
  { additionalProperties: true },
);

/** The values that `readVariables` judges, as for `template.variables` of an email. */
const values = t.Optional(
  t.Any({ description: "Values by the names of variables.", examples: [{ COUNT: 4 }] }),
);
export const previewRequest = t.Object(
  {
    variables: values,
    content: t.Optional(
      t.Object(
        { html: t.Optional(html), ...lines },
        { additionalProperties: true, description: "An edit that is not saved, in place of what it says." },
      ),
    ),
    version_id: t.Optional(
      t.String({
        description: "One of its versions; the current one when absent.",
        examples: ["019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b"],
      }),
    ),
  },
  { additionalProperties: true },
);

const object = Type.Literal("template");
const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
export const reference = Type.Object({ object, id });
export const removed = Type.Object({ object, id, deleted: Type.Literal(true) });

const summary = {
  id,
  name: Type.String({ examples: ["Order confirmation"] }),
  status: Type.Union([Type.Literal("published"), Type.Literal("draft")]),
  published_at: orNull(time),
  created_at: time,
  updated_at: time,
  alias: orNull(Type.String()),
};
export const templateList = searchedListOf(Type.Object(summary), id);
export const listQuery = t.Object(
  {
    ...numberedPageQuery.properties,
    search: t.Optional(t.String({ description: "A part of the name or of the alias.", examples: ["order"] })),
  },
  { additionalProperties: true },
);

const content = {
  from: orNull(Type.String()),
  subject: orNull(Type.String({ examples: ["Your order of {{{COUNT}}} chairs"] })),
  reply_to: orNull(Type.Array(Type.String())),
  html: Type.String({ examples: ["<p>Thanks for {{{COUNT}}} chairs.</p>"] }),
  text: orNull(Type.String({ examples: ["Thanks for {{{COUNT}}} chairs."] })),
  variables: Type.Array(
    Type.Object({
      id,
      key: Type.String(),
      type: Type.Union(
        variableTypes.map((each) => Type.Literal(each)),
        { examples: ["number"] },
      ),
      fallback_value: Type.Union([Type.Number(), Type.String(), Type.Null()]),
      created_at: time,
      updated_at: time,
    }),
  ),
};
export const templateAnswer = Type.Object({
  object,
  ...summary,
  description: orNull(Type.String()),
  current_version_id: id,
  has_unpublished_versions: Type.Boolean(),
  published: Type.Boolean({ description: "Whether what is shown here is what is sent." }),
  ...content,
});

const version = {
  id,
  number: Type.Integer({ description: "From 1, in the order of edits." }),
  is_current: Type.Boolean(),
  is_published: Type.Boolean({ description: "Whether it is what is sent now." }),
  subject: orNull(Type.String()),
  published_at: orNull(time),
  created_at: time,
};
export const versionList = listOf(Type.Object(version));
export const versionAnswer = Type.Object({
  object: Type.Literal("template_version"),
  template_id: id,
  ...version,
  ...content,
});
export const restored = Type.Object({ object, id, current_version_id: id });

export const preview = Type.Object({
  object: Type.Literal("template_preview"),
  id,
  version_id: id,
  from: orNull(Type.String()),
  subject: orNull(Type.String()),
  reply_to: orNull(Type.Array(Type.String())),
  html: Type.String(),
  text: Type.String({ description: "As it is sent: made from the html where the template has none." }),
  missing_variables: Type.Array(Type.String(), {
    description: "Left empty here; an email is refused without them.",
  }),
});

export const testRequest = t.Object(
  {
    to: Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 50 })], {
      description: "It must be an address or a list of addresses.",
    }),
    from: t.Optional(
      t.String({ description: "Where the template has none.", examples: ["hello@example.com"] }),
    ),
    subject: t.Optional(t.String()),
    variables: values,
  },
  { additionalProperties: true },
);
