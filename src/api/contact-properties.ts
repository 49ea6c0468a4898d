import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import {
  createProperty,
  deleteProperty,
  getProperty,
  listProperties,
  updateProperty,
} from "../contacts/properties.ts";
import { type ContactProperty, propertyTypes } from "../contacts/schema.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const label = t.Optional(
  t.Union([t.String({ description: "What people call it.", examples: ["Seats"] }), t.Null()]),
);
const fallback = t.Optional(
  t.Union([t.String(), t.Number(), t.Boolean(), t.Null()], {
    examples: [1],
    description: "Stands in for contacts who have no value; of the property's type.",
  }),
);
const creation = t.Object(
  {
    key: t.Optional(
      t.String({ description: "1 to 50 letters, digits or underscores.", examples: ["seats"] }),
    ),
    type: t.String({ description: `One of ${propertyTypes.join(", ")}.`, examples: ["number"] }),
    fallback_value: fallback,
    label,
    name: t.Optional(t.String({ description: "Another name of `key`.", examples: ["seats"] })),
  },
  { additionalProperties: true },
);
const changes = t.Object({ fallback_value: fallback, label }, { additionalProperties: true });

const id = Type.String({ format: "uuid" });
const object = { object: Type.Literal("contact_property"), id };
const item = {
  id,
  key: Type.String({ examples: ["seats"] }),
  type: Type.Union(
    propertyTypes.map((type) => Type.Literal(type)),
    { examples: ["number"] },
  ),
  fallback_value: Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()], { examples: [1] }),
  created_at: Type.String({ format: "date-time" }),
  label: Type.Optional(Type.String({ examples: ["Seats"] })),
};
const reference = Type.Object(object);

const tags = ["Contact properties"];

export const contactPropertyRoutes = (app: App) =>
  new Elysia({ prefix: "/contact-properties" })
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const key = body.key ?? body.name; // the original's clients say `name`
        if (key === undefined) throw new Refusal("missing_required_field", "Missing `key` field.");
        const wish = { key, type: body.type, label: body.label, fallbackValue: body.fallback_value };
        const made = await createProperty(app, caller.teamId, wish);
        set.status = 201;
        return { object: "contact_property" as const, id: made };
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Define a contact property",
          tags,
          responses: { 201: answer("Defined", reference), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listProperties(app, caller.teamId, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List contact properties",
          tags,
          responses: { 200: answer("A page, newest first", listOf(Type.Object(item))), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => ({
        object: "contact_property" as const,
        ...toItem(await getProperty(app, caller.teamId, params.id)),
      }),
      {
        detail: {
          summary: "Get a contact property",
          tags,
          responses: {
            200: answer("The property", Type.Object({ object: object.object, ...item })),
            ...errorAnswers,
          },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => {
        const changed = { fallbackValue: body.fallback_value, label: body.label };
        const changedId = await updateProperty(app, caller.teamId, params.id, changed);
        return { object: "contact_property" as const, id: changedId };
      },
      {
        parse: "json",
        body: shown(changes),
        detail: {
          summary: "Change the fallback value of a contact property",
          description: "Its key and its type stay.",
          tags,
          responses: { 200: answer("Changed", reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => ({
        object: "contact_property" as const,
        id: await deleteProperty(app, caller.teamId, params.id),
        deleted: true as const,
      }),
      {
        detail: {
          summary: "Delete a contact property, and its value of every contact",
          tags,
          responses: {
            200: answer("Deleted", Type.Object({ ...object, deleted: Type.Literal(true) })),
            ...errorAnswers,
          },
        },
      },
    );

const toItem = ({ id, key, type, fallbackValue, createdAt, label }: ContactProperty) => ({
  id,
  key,
  type,
  fallback_value: fallbackValue,
  created_at: createdAt.toISOString(),
  ...(label !== null && { label }),
});
