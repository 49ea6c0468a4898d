import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { createSegment, deleteSegment, getSegment, listSegments } from "../contacts/segments.ts";
import { audienceContactRoutes } from "./audience-contacts.ts";
import { audienceSegmentRoutes } from "./audience-segments.ts";
import { authenticated } from "./auth.ts";
import { toSegmentItem } from "./contact-answers.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import { audienceCreation, listShapes } from "./segment-schemas.ts";

const tags = ["Audiences"];
const shapes = listShapes("audience");

/** Segments by their older name, for older clients and those of the original MailIt. */
export const audienceRoutes = (app: App) =>
  new Elysia({ prefix: "/audiences" })
    .use(listRoutes(app))
    .use(audienceContactRoutes(app))
    .use(audienceSegmentRoutes(app));

const listRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const segment = await createSegment(app, caller.teamId, { name: body.name });
        set.status = 201;
        return { object: "audience" as const, ...toSegmentItem(segment) };
      },
      {
        parse: "json",
        body: shown(audienceCreation),
        detail: {
          summary: "Create an audience, which is a static segment",
          tags,
          responses: { 201: answer("The audience", shapes.whole), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const page = readPage(query, "long");
        return listAnswer(await listSegments(app, caller.teamId, page), page, toSegmentItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List audiences",
          description: "Up to 500 when `limit` is absent.",
          tags,
          responses: { 200: answer("A page, newest first", shapes.list), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => ({
        object: "audience" as const,
        ...toSegmentItem(await getSegment(app, caller.teamId, params.id)),
      }),
      {
        detail: {
          summary: "Get an audience",
          tags,
          responses: { 200: answer("The audience", shapes.whole), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        await deleteSegment(app, caller.teamId, params.id);
        return { object: "audience" as const, id: params.id, deleted: true as const };
      },
      {
        detail: {
          summary: "Delete an audience; its contacts stay",
          tags,
          responses: { 200: answer("It is not there any more", shapes.deleted), ...errorAnswers },
        },
      },
    );
