/** Which topics a contact hears of. */
import { and, eq } from "drizzle-orm";
import { type App, atomically, requireRole } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import type { TopicChoice } from "./changes.ts";
import { getContact } from "./read.ts";
import { lastOfEach, writeTopics } from "./save.ts";
import { contactTopics, type Subscription, type Topic, topics } from "./schema.ts";
import { requireTopics } from "./topics.ts";

export interface TopicOfContact extends Topic {
  /** What holds: what they said, or else the topic's default. */
  subscription: Subscription;
}

/** One page of all the team's topics and one more, newest first, each with what holds for the contact. */
export async function listTopicsOf(
  app: App,
  teamId: string,
  idOrEmail: string,
  page: Keyset,
): Promise<TopicOfContact[]> {
  const contact = await getContact(app, teamId, idOrEmail);
  const { where, orderBy, limit } = pageOf(topics.id, eq(topics.teamId, teamId), page);
  const rows = await app.db
    .select({ topic: topics, said: contactTopics.subscription })
    .from(topics)
    .leftJoin(
      contactTopics,
      and(eq(contactTopics.contactId, contact.id), eq(contactTopics.topicId, topics.id)),
    )
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(
    rows.map(({ topic, said }) => ({ ...topic, subscription: said ?? topic.defaultSubscription })),
    page,
  );
}

/** Writes down what a contact wants; topics that are not named stay as they are. Gives the contact's id. */
export async function updateTopicsOf(
  app: App,
  teamId: string,
  idOrEmail: string,
  choices: TopicChoice[],
): Promise<string> {
  requireRole(app, "developer"); // also where nothing would change: nobody is told that it was done
  const contact = await getContact(app, teamId, idOrEmail);
  const wanted = lastOfEach(choices);
  await requireTopics(
    app,
    teamId,
    wanted.map(({ id }) => id),
  );
  await atomically(app, writeTopics(app, teamId, contact.email, wanted));
  return contact.id;
}
