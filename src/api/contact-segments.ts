import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { listDynamicOf, listSegmentsOf, setMembership } from "../contacts/members.ts";
import { getContact } from "../contacts/read.ts";
import { authenticated } from "./auth.ts";
import { toSegmentItem } from "./contact-answers.ts";
import { membershipAnswer, membershipDeleted, segmentsOfContact } from "./contact-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";

const tags = ["Contacts"];

/** The segments of a contact: those they were put into, and those whose rules hold for them. */
export const contactSegmentRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:idOrEmail/segments",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const rows = await listSegmentsOf(app, caller.teamId, params.idOrEmail, page);
        return listAnswer(rows, page, toSegmentItem);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the segments a contact was put into",
          tags,
          responses: { 200: answer("A page, newest first", segmentsOfContact), ...errorAnswers },
        },
      },
    )
    .post(
      "/:idOrEmail/segments/:segmentId",
      async ({ caller, params }) =>
        toMembership(await setMembership(app, caller.teamId, params.idOrEmail, params.segmentId, true)),
      {
        detail: {
          summary: "Put a contact into a segment",
          tags,
          responses: { 200: answer("They are in it", membershipAnswer), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:idOrEmail/segments/:segmentId",
      async ({ caller, params }) => {
        const { idOrEmail, segmentId } = params;
        const membership = await setMembership(app, caller.teamId, idOrEmail, segmentId, false);
        return {
          ...toMembership(membership),
          audienceId: membership.segmentId,
          deleted: true as const,
        };
      },
      {
        detail: {
          summary: "Take a contact out of a segment",
          tags,
          responses: { 200: answer("They are not in it", membershipDeleted), ...errorAnswers },
        },
      },
    )
    .get(
      "/:idOrEmail/dynamic-segments",
      async ({ caller, params }) => {
        const contact = await getContact(app, caller.teamId, params.idOrEmail);
        const rows = await listDynamicOf(app, contact);
        return { object: "list" as const, has_more: false, data: rows.map(toSegmentItem) };
      },
      {
        detail: {
          summary: "List the dynamic segments that hold a contact now",
          description: "Of the team's newest 50.",
          tags,
          responses: {
            200: answer("Those whose rules hold, newest first", segmentsOfContact),
            ...errorAnswers,
          },
        },
      },
    );

/** The contract's documents and its SDKs name different keys: these are all of them. */
const toMembership = ({ contactId, segmentId }: { contactId: string; segmentId: string }) => ({
  object: "contact_segment" as const,
  id: segmentId,
  contact_id: contactId,
  segment_id: segmentId,
});
