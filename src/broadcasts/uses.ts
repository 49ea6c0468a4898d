/** What uses a topic, a segment or a contact property: what whoever wants to delete it should know first. */
import type { App } from "../app.ts";
import { getProperty } from "../contacts/properties.ts";
import { propertyPrefix } from "../contacts/rules.ts";
import type { Segment } from "../contacts/schema.ts";
import { getSegment, listSegmentsNaming, listSegmentsOfAudience } from "../contacts/segments.ts";
import { getTopic } from "../contacts/topics.ts";
import { getBroadcastsUsing } from "./read.ts";
import type { Broadcast } from "./schema.ts";

/** The newest of each kind. */
export interface Uses {
  /** Those that are not over. */
  broadcasts: Pick<Broadcast, "id" | "name" | "status">[];
  /** Dynamic ones whose rules ask for it. */
  segments: Segment[];
}

export async function usesOfTopic(app: App, teamId: string, topicId: string, limit: number): Promise<Uses> {
  const { id } = await getTopic(app, teamId, topicId);
  const [broadcasts, segments] = await Promise.all([
    getBroadcastsUsing(app, teamId, { topicId: id }, limit),
    listSegmentsNaming(app, teamId, id, limit),
  ]);
  return { broadcasts, segments };
}

/** `parts`: the dynamic segments that pick from it, and are deleted with it. */
export async function usesOfSegment(
  app: App,
  teamId: string,
  segmentId: string,
  limit: number,
): Promise<Uses & { parts: Segment[] }> {
  const segment = await getSegment(app, teamId, segmentId);
  const [broadcasts, segments, parts] = await Promise.all([
    getBroadcastsUsing(app, teamId, { segmentId: segment.id }, limit),
    listSegmentsNaming(app, teamId, segment.id, limit),
    listSegmentsOfAudience(app, segment, { limit: limit - 1 }),
  ]);
  return { broadcasts, segments, parts };
}

/** Broadcasts fill properties in by their fallbacks, and so use none. */
export async function usesOfProperty(
  app: App,
  teamId: string,
  id: string,
  limit: number,
): Promise<Pick<Uses, "segments">> {
  const { key } = await getProperty(app, teamId, id);
  return { segments: await listSegmentsNaming(app, teamId, propertyPrefix + key, limit) };
}
