import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import type { Segment } from "../contacts/schema.ts";
import {
  createSegment,
  deleteSegment,
  getSegment,
  getSegmentOfAudience,
  listSegmentsOfAudience,
  updateSegment,
} from "../contacts/segments.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";
import { audienceSegment, audienceSegmentChanges, audienceSegmentCreation } from "./segment-schemas.ts";

const tags = ["Audiences"];
const segmentAnswer = Type.Object(audienceSegment);

/** Dynamic segments that pick from one audience, in the original MailIt's form. */
export const audienceSegmentRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/:id/segments",
      async ({ caller, params, body, set }) => {
        const { name, conditions } = body;
        const wish = { name, rules: toRules(conditions), audienceId: params.id };
        const segment = await createSegment(app, caller.teamId, wish);
        set.status = 201;
        return toItem(segment);
      },
      {
        parse: "json",
        body: shown(audienceSegmentCreation),
        detail: {
          summary: "Create a dynamic segment of an audience",
          tags,
          responses: { 201: answer("The segment", segmentAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "/:id/segments",
      async ({ caller, params, query }) => {
        const page = readPage(query, "long");
        const audience = await getSegment(app, caller.teamId, params.id);
        return listAnswer(await listSegmentsOfAudience(app, audience, page), page, toItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the dynamic segments of an audience",
          tags,
          responses: { 200: answer("A page, newest first", listOf(segmentAnswer)), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id/segments/:segmentId",
      async ({ caller, params, body }) => {
        const { id } = await getSegmentOfAudience(app, caller.teamId, params.id, params.segmentId);
        const rules = body.conditions === undefined ? undefined : toRules(body.conditions);
        await updateSegment(app, caller.teamId, id, { name: body.name, rules });
        return toItem(await getSegment(app, caller.teamId, id));
      },
      {
        parse: "json",
        body: shown(audienceSegmentChanges),
        detail: {
          summary: "Change a dynamic segment of an audience",
          tags,
          responses: { 200: answer("The segment", segmentAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id/segments/:segmentId",
      async ({ caller, params }) => {
        const { id } = await getSegmentOfAudience(app, caller.teamId, params.id, params.segmentId);
        await deleteSegment(app, caller.teamId, id);
        return { deleted: true as const };
      },
      {
        detail: {
          summary: "Delete a dynamic segment of an audience",
          tags,
          responses: {
            200: answer("Deleted", Type.Object({ deleted: Type.Literal(true) })),
            ...errorAnswers,
          },
        },
      },
    );

/** The original's conditions are a list, or one of them: all are to hold. */
function toRules(conditions: unknown): unknown {
  const isGroup =
    typeof conditions === "object" && conditions !== null && ("all" in conditions || "any" in conditions);
  return isGroup ? conditions : { all: Array.isArray(conditions) ? conditions : [conditions] };
}

const toItem = ({ id, name, rules, createdAt }: Segment) => ({
  id,
  name,
  conditions: rules,
  created_at: createdAt.toISOString(),
});
