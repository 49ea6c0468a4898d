import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import type { Topic } from "../contacts/schema.ts";
import { createTopic, deleteTopic, getTopic, listTopics, updateTopic } from "../contacts/topics.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";

const name = t.String({ description: "1 to 50 characters, in one line.", examples: ["Offers"] });
const description = t.Optional(
  t.Union([t.String({ examples: ["Once a month"] }), t.Null()], {
    description: "200 characters at most, in one line.",
  }),
);
const visibility = t.Optional(
  t.Union([t.Literal("public"), t.Literal("private")], { description: 'Allowed: "public", "private".' }),
);
const creation = t.Object(
  {
    name,
    default_subscription: t.Union([t.Literal("opt_in"), t.Literal("opt_out")], {
      description: 'Allowed: "opt_in", "opt_out". It stays as it is.',
    }),
    description,
    visibility,
  },
  { additionalProperties: true },
);
const changes = t.Object({ name: t.Optional(name), description, visibility }, { additionalProperties: true });

const id = Type.String({ format: "uuid" });
const object = { object: Type.Literal("topic"), id };
const item = {
  id,
  name: Type.String({ examples: ["Offers"] }),
  description: Type.Union([Type.String({ examples: ["Once a month"] }), Type.Null()]),
  default_subscription: Type.Union([Type.Literal("opt_in"), Type.Literal("opt_out")]),
  visibility: Type.Union([Type.Literal("public"), Type.Literal("private")]),
  created_at: Type.String({ format: "date-time" }),
};
const reference = Type.Object(object);

const tags = ["Topics"];

export const topicRoutes = (app: App) =>
  new Elysia({ prefix: "/topics" })
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const { default_subscription: defaultSubscription, ...rest } = body;
        const topic = await createTopic(app, caller.teamId, { ...rest, defaultSubscription });
        set.status = 201;
        return { object: "topic" as const, id: topic.id };
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Create a topic",
          tags,
          responses: { 201: answer("The topic", reference), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await listTopics(app, caller.teamId, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List topics",
          tags,
          responses: { 200: answer("A page, newest first", listOf(Type.Object(item))), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => ({
        object: "topic" as const,
        ...toItem(await getTopic(app, caller.teamId, params.id)),
      }),
      {
        detail: {
          summary: "Get a topic",
          tags,
          responses: {
            200: answer("The topic", Type.Object({ object: object.object, ...item })),
            ...errorAnswers,
          },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => ({
        object: "topic" as const,
        id: await updateTopic(app, caller.teamId, params.id, body),
      }),
      {
        parse: "json",
        body: shown(changes),
        detail: {
          summary: "Change a topic",
          tags,
          responses: { 200: answer("Changed", reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => ({
        object: "topic" as const,
        id: await deleteTopic(app, caller.teamId, params.id),
        deleted: true as const,
      }),
      {
        detail: {
          summary: "Delete a topic, and what contacts said of it",
          tags,
          responses: {
            200: answer("Deleted", Type.Object({ ...object, deleted: Type.Literal(true) })),
            ...errorAnswers,
          },
        },
      },
    );

const toItem = ({ id, name, description, defaultSubscription, visibility, createdAt }: Topic) => ({
  id,
  name,
  description,
  default_subscription: defaultSubscription,
  visibility,
  created_at: createdAt.toISOString(),
});
