/** Lists of contacts: static ones, which somebody is put on, and dynamic ones, which hold whoever their rules say. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, rawWrite } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { clearSegment } from "./jobs.ts";
import { requireText } from "./names.ts";
import { propertiesOf } from "./properties.ts";
import { idsIn, propertiesIn, type Rules, readRules } from "./rules.ts";
import { type Segment, segments } from "./schema.ts";
import { requireTopics } from "./topics.ts";

// The contract's words, which are older than segments.
const segmentNotFound = () => new Refusal("not_found", "Audience not found");

const longestSegmentName = 100;

export interface NewSegment {
  name: string;
  /** What a client sent as them; a static segment has none. */
  rules?: unknown;
  /** The static segment that a dynamic one picks its contacts from. */
  audienceId?: string;
}

export async function createSegment(app: App, teamId: string, wish: NewSegment): Promise<Segment> {
  const name = requireText("name", wish.name, longestSegmentName);
  const rules =
    wish.rules === undefined || wish.rules === null ? null : await readTeamRules(app, teamId, wish.rules);
  const audienceId =
    wish.audienceId === undefined ? null : (await getStatic(app, teamId, wish.audienceId)).id;
  const row: Segment = { id: newId(), teamId, name, rules, audienceId, members: 0, createdAt: app.now() };
  await atomically(app, [app.db.insert(segments).values(row)]);
  return row;
}

/** Rules of a client's, whose properties, topics and segments are the team's. */
export async function readTeamRules(app: App, teamId: string, given: unknown): Promise<Rules> {
  const properties = await propertiesOf(app.db, teamId);
  const rules = readRules(given, (key) => properties.get(key)?.type);
  await requireTopics(app, teamId, idsIn(rules, "topic_id"));
  await requireStaticSegments(app, teamId, idsIn(rules, "segment_id"));
  return rules;
}

/** A segment that can be sent to: what its rules ask for is still there. */
export async function requireSegment(app: App, teamId: string, id: string): Promise<Segment> {
  const segment = await getSegment(app, teamId, id);
  if (!segment.rules) return segment;
  const known = await propertiesOf(app.db, teamId);
  const missing = propertiesIn(segment.rules).find((key) => !known.has(key));
  if (missing === undefined) return segment;
  throw new Refusal(
    "validation_error",
    `The rules of the segment \`${segment.name}\` ask for the contact property \`${missing}\`, which is gone, so they hold for nobody: change them first.`,
  );
}

/** Refuses ids of segments that are not the team's, or that nobody can be put into. Gives them in lower case. */
export async function requireStaticSegments(app: App, teamId: string, ids: string[]): Promise<string[]> {
  const found: string[] = [];
  // One after the other: of a hundred thousand that are none, one is looked for.
  for (const id of new Set(ids)) found.push((await getStatic(app, teamId, id)).id);
  return found;
}

/** A segment that one can be put into. */
export async function getStatic(app: App, teamId: string, id: string): Promise<Segment> {
  const segment = await getSegment(app, teamId, id);
  if (segment.rules) {
    throw new Refusal(
      "validation_error",
      "The segment is dynamic: it holds whoever its rules say, and nobody can be put into it or taken out.",
    );
  }
  return segment;
}

export async function getSegment(app: App, teamId: string, id: string): Promise<Segment> {
  const segment = await findSegment(app, teamId, id);
  if (!segment) throw segmentNotFound();
  return segment;
}

/** A dynamic segment that picks from an audience. */
export async function getSegmentOfAudience(
  app: App,
  teamId: string,
  audienceId: string,
  id: string,
): Promise<Segment> {
  const segment = await getSegment(app, teamId, id);
  if (segment.audienceId !== audienceId.toLowerCase()) throw segmentNotFound();
  return segment;
}

async function findSegment(app: App, teamId: string, id: string): Promise<Segment | undefined> {
  if (!isId(id)) return undefined;
  return app.db
    .select()
    .from(segments)
    .where(and(eq(segments.id, id.toLowerCase()), eq(segments.teamId, teamId)))
    .get();
}

/** One page of a team's segments and one more, newest first. */
export const listSegments = (app: App, teamId: string, page: Keyset): Promise<Segment[]> =>
  listWhere(app, eq(segments.teamId, teamId), page);

/** The same of the dynamic ones of an audience. */
export const listSegmentsOfAudience = (app: App, audience: Segment, page: Keyset): Promise<Segment[]> =>
  listWhere(app, eq(segments.audienceId, audience.id), page);

async function listWhere(app: App, condition: SQL, page: Keyset): Promise<Segment[]> {
  const { where, orderBy, limit } = pageOf(segments.id, condition, page);
  return newestFirst(await app.db.select().from(segments).where(where).orderBy(orderBy).limit(limit), page);
}

/** Dynamic segments of a team whose rules name something: a property's field, the id of a topic or of a segment. */
export const listSegmentsNaming = (
  app: App,
  teamId: string,
  named: string,
  limit: number,
): Promise<Segment[]> =>
  listWhere(
    app,
    sql`${segments.teamId} = ${teamId} and ${segments.rules} is not null and instr(${segments.rules}, ${JSON.stringify(named)}) > 0`,
    { limit: limit - 1 },
  );

/** Dynamic segments of a team, the newest, as far as one page shows them. */
export const listDynamic = (app: App, teamId: string, limit: number): Promise<Segment[]> =>
  listWhere(app, sql`${segments.teamId} = ${teamId} and ${segments.rules} is not null`, { limit: limit - 1 });

/** Static segments of a team, the newest: those one can be put into. */
export const listStatic = (app: App, teamId: string, limit: number): Promise<Segment[]> =>
  listWhere(app, sql`${segments.teamId} = ${teamId} and ${segments.rules} is null`, { limit: limit - 1 });

/** Renames a segment, or gives a dynamic one other rules. */
export async function updateSegment(
  app: App,
  teamId: string,
  id: string,
  changes: { name?: string; rules?: unknown },
): Promise<string> {
  const segment = await getSegment(app, teamId, id);
  if (changes.name === undefined && changes.rules === undefined) {
    throw new Refusal("missing_required_field", "Missing `name` field.");
  }
  if (changes.rules !== undefined && !segment.rules) {
    throw new Refusal("validation_error", "The segment is static: create another one with `rules`.");
  }
  const fields = {
    ...(changes.name !== undefined && { name: requireText("name", changes.name, longestSegmentName) }),
    ...(changes.rules !== undefined && { rules: await readTeamRules(app, teamId, changes.rules) }),
  };
  await atomically(app, [
    app.db.update(segments).set(fields).where(eq(segments.id, segment.id)),
    expectChange(),
  ]).catch((error: unknown) => {
    throw error instanceof WriteConflict && error.kind === "stale" ? segmentNotFound() : error;
  });
  return segment.id;
}

/** Deletes a segment, and the dynamic ones that pick from it; its contacts stay. An unknown one is gone already. */
export async function deleteSegment(app: App, teamId: string, id: string): Promise<void> {
  const segment = await findSegment(app, teamId, id);
  if (!segment) return;
  await atomically(app, [
    rawWrite("delete from segments where id = ?1 and team_id = ?2", [segment.id, teamId]),
    rawWrite("delete from segments where audience_id = ?1 and team_id = ?2", [segment.id, teamId]),
    ...enqueue(app, clearSegment, { segmentId: segment.id }),
  ]);
}
