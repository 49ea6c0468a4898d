import { type TSchema, Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { broadcastStatuses } from "../broadcasts/schema.ts";
import { type Uses, usesOfProperty, usesOfSegment, usesOfTopic } from "../broadcasts/uses.ts";
import type { Segment } from "../contacts/schema.ts";
import { authenticated } from "./auth.ts";
import { answer, errorAnswers } from "./openapi.ts";

const id = Type.String({ format: "uuid" });
const broadcasts = Type.Array(
  Type.Object({
    id,
    name: Type.String({ examples: ["March"] }),
    status: Type.Union(broadcastStatuses.map((status) => Type.Literal(status))),
  }),
  { description: "Those that are not over." },
);
const listed = Type.Object({ id, name: Type.String({ examples: ["Asleep"] }) });
const segments = Type.Array(listed, { description: "Those whose rules ask for it." });
const parts = Type.Array(listed, { description: "Those that pick from it, and are deleted with it." });

const description = "To be asked before it is deleted. The newest 100 of each.";
const mostTold = 100;

/** What uses something that may be deleted. */
export const usesRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/topics/:id/uses",
      async ({ caller, params }) => ({
        object: "topic_uses" as const,
        id: params.id,
        ...toUses(await usesOfTopic(app, caller.teamId, params.id, mostTold)),
      }),
      detailOf("Topics", "See what uses a topic", "topic_uses", { broadcasts, segments }),
    )
    .get(
      "/segments/:id/uses",
      async ({ caller, params }) => {
        const uses = await usesOfSegment(app, caller.teamId, params.id, mostTold);
        return {
          object: "segment_uses" as const,
          id: params.id,
          ...toUses(uses),
          parts: uses.parts.map(toListed),
        };
      },
      detailOf("Segments", "See what uses a segment", "segment_uses", { broadcasts, segments, parts }),
    )
    .get(
      "/contact-properties/:id/uses",
      async ({ caller, params }) => {
        const uses = await usesOfProperty(app, caller.teamId, params.id, mostTold);
        return {
          object: "contact_property_uses" as const,
          id: params.id,
          segments: uses.segments.map(toListed),
        };
      },
      detailOf("Contact properties", "See what uses a contact property", "contact_property_uses", {
        segments,
      }),
    );

function detailOf(tag: string, summary: string, object: string, uses: Record<string, TSchema>) {
  const schema = Type.Object({ object: Type.Literal(object), id, ...uses });
  return {
    detail: {
      ...{ summary, description, tags: [tag] },
      responses: { 200: answer("What uses it", schema), ...errorAnswers },
    },
  };
}

const toUses = ({ broadcasts, segments }: Uses) => ({ broadcasts, segments: segments.map(toListed) });

const toListed = ({ id, name }: Segment) => ({ id, name });
