import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { countSegment, pageOfSegment, previewRules } from "../contacts/audience.ts";
import {
  createSegment,
  deleteSegment,
  getSegment,
  listSegments,
  readTeamRules,
  updateSegment,
} from "../contacts/segments.ts";
import { authenticated } from "./auth.ts";
import { toContactItem, toSegmentItem } from "./contact-answers.ts";
import { contactList } from "./contact-schemas.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import {
  countAnswer,
  listShapes,
  previewAnswer,
  previewRequest,
  segmentChanges,
  segmentCreation,
} from "./segment-schemas.ts";

const tags = ["Segments"];
const shapes = listShapes("segment");

export const segmentRoutes = (app: App) =>
  new Elysia({ prefix: "/segments" }).use(contentRoutes(app)).use(singleRoutes(app));

const singleRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const { id, name } = await createSegment(app, caller.teamId, body);
        set.status = 201;
        return { object: "segment" as const, id, name };
      },
      {
        parse: "json",
        body: shown(segmentCreation),
        detail: {
          summary: "Create a segment: a static one, or a dynamic one by its rules",
          tags,
          responses: { 201: answer("The segment", shapes.created), ...bodyErrorAnswers },
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
          summary: "List segments",
          description: "Up to 500 when `limit` is absent.",
          tags,
          responses: { 200: answer("A page, newest first", shapes.list), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => {
        const segment = await getSegment(app, caller.teamId, params.id);
        const { rules, audienceId } = segment;
        return { object: "segment" as const, ...toSegmentItem(segment), rules, audience_id: audienceId };
      },
      {
        detail: {
          summary: "Get a segment",
          tags,
          responses: { 200: answer("The segment", shapes.whole), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) => ({
        object: "segment" as const,
        id: await updateSegment(app, caller.teamId, params.id, body),
      }),
      {
        parse: "json",
        body: shown(segmentChanges),
        detail: {
          summary: "Rename a segment, or give a dynamic one other rules",
          tags,
          responses: { 200: answer("Changed", shapes.reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => {
        await deleteSegment(app, caller.teamId, params.id);
        return { object: "segment" as const, id: params.id, deleted: true as const };
      },
      {
        detail: {
          summary: "Delete a segment; its contacts stay",
          tags,
          responses: { 200: answer("It is not there any more", shapes.deleted), ...errorAnswers },
        },
      },
    );

const contentRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/preview",
      async ({ caller, body }) => {
        const rules = await readTeamRules(app, caller.teamId, body.rules);
        const { count, contacts } = await previewRules(app, caller.teamId, rules);
        return { object: "segment_preview" as const, count, contacts: contacts.map(toContactItem) };
      },
      {
        parse: "json",
        body: shown(previewRequest),
        detail: {
          summary: "See whom rules would hold",
          tags,
          responses: { 200: answer("How many, and the newest of them", previewAnswer), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "/:id/count",
      async ({ caller, params }) => {
        const segment = await getSegment(app, caller.teamId, params.id);
        const count = await countSegment(app, segment);
        return { object: "segment_count" as const, id: segment.id, count };
      },
      {
        detail: {
          summary: "Count the contacts of a segment",
          tags,
          responses: { 200: answer("How many there are now", countAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/contacts",
      async ({ caller, params, query }) => {
        const page = readPage(query, "long");
        const segment = await getSegment(app, caller.teamId, params.id);
        return listAnswer(await pageOfSegment(app, segment, page), page, toContactItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the contacts of a segment",
          description: "Up to 500 when `limit` is absent.",
          tags,
          responses: { 200: answer("A page, newest first", contactList), ...errorAnswers },
        },
      },
    );
