/** What contacts may want to hear of or not. */
import { and, eq } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { expectChange, rawWrite, type Write } from "../db/write.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { isId, newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { clearTopic } from "./jobs.ts";
import { readText, requireText } from "./names.ts";
import { type Subscription, type Topic, topics } from "./schema.ts";

const topicNotFound = () => new Refusal("not_found", "Topic not found");

const longestTopicName = 50;
const longestDescription = 200;

export interface NewTopic {
  name: string;
  description?: string | null;
  defaultSubscription: Subscription;
  visibility?: Topic["visibility"];
}

export async function createTopic(app: App, teamId: string, wish: NewTopic): Promise<Topic> {
  const at = app.now();
  const row: Topic = {
    id: newId(),
    teamId,
    name: requireText("name", wish.name, longestTopicName),
    description: readText("description", wish.description, longestDescription) ?? null,
    defaultSubscription: wish.defaultSubscription,
    visibility: wish.visibility ?? "private",
    createdAt: at,
    updatedAt: at,
  };
  await atomically(app, [app.db.insert(topics).values(row), ...record(app, "topic.created", row)]);
  return row;
}

/** One page of a team's topics and one more, newest first. */
export async function listTopics(app: App, teamId: string, page: Keyset): Promise<Topic[]> {
  const { where, orderBy, limit } = pageOf(topics.id, eq(topics.teamId, teamId), page);
  return newestFirst(await app.db.select().from(topics).where(where).orderBy(orderBy).limit(limit), page);
}

export async function getTopic(app: App, teamId: string, id: string): Promise<Topic> {
  const row = isId(id)
    ? await app.db
        .select()
        .from(topics)
        .where(and(eq(topics.id, id.toLowerCase()), eq(topics.teamId, teamId)))
        .get()
    : undefined;
  if (!row) throw topicNotFound();
  return row;
}

/** Refuses ids that are not the team's topics. */
export async function requireTopics(app: App, teamId: string, ids: string[]): Promise<void> {
  // One after the other: of a hundred thousand that are none, one is looked for.
  for (const id of new Set(ids)) await getTopic(app, teamId, id);
}

/** What is absent stays. The default can't be changed: people have joined, or have not, by what it was. */
export async function updateTopic(
  app: App,
  teamId: string,
  id: string,
  changes: Partial<Pick<NewTopic, "name" | "description" | "visibility">>,
): Promise<string> {
  const topic = await getTopic(app, teamId, id);
  const description = readText("description", changes.description, longestDescription);
  const fields = {
    ...(changes.name !== undefined && { name: requireText("name", changes.name, longestTopicName) }),
    ...(description !== undefined && { description }),
    ...(changes.visibility !== undefined && { visibility: changes.visibility }),
    updatedAt: app.now(),
  };
  await atomically(app, [
    app.db.update(topics).set(fields).where(eq(topics.id, topic.id)),
    expectChange(),
    ...record(app, "topic.updated", { ...topic, ...fields }),
  ]).catch(refuseStale);
  return topic.id;
}

/** What contacts said of it goes with it, by a job where those are many. */
export async function deleteTopic(app: App, teamId: string, id: string): Promise<string> {
  const topic = await getTopic(app, teamId, id);
  await atomically(app, [
    rawWrite("delete from topics where id = ? and team_id = ?", [topic.id, teamId]),
    expectChange(),
    ...enqueue(app, clearTopic, { topicId: topic.id }),
    ...record(app, "topic.deleted", { ...topic, updatedAt: app.now() }),
  ]).catch(refuseStale);
  return topic.id;
}

function record(app: App, type: "topic.created" | "topic.updated" | "topic.deleted", topic: Topic): Write[] {
  const { id, teamId, name, description, defaultSubscription, createdAt, updatedAt } = topic;
  const data = {
    ...{
      id,
      name,
      description,
      default_subscription: defaultSubscription,
      deleted: type === "topic.deleted",
    },
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
  return recordEvent(app, { type, teamId, data });
}

function refuseStale(error: unknown): never {
  if (error instanceof WriteConflict && error.kind === "stale") throw topicNotFound();
  throw error;
}
