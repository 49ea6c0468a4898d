import { type App, atomically } from "../../src/app.ts";
import {
  type Contact,
  contacts,
  contactTopics,
  type Segment,
  type Subscription,
  segmentMembers,
  segments,
  type Topic,
  topics,
} from "../../src/contacts/schema.ts";
import { newId } from "../../src/ids.ts";

/** A topic of a team, which one hears of unless one has left it. */
export async function testTopic(app: App, teamId: string, changes: Partial<Topic> = {}): Promise<Topic> {
  const at = app.now();
  const row: Topic = {
    ...{ id: newId(), teamId, name: "News", description: null, defaultSubscription: "opt_in" },
    ...{ visibility: "public", createdAt: at, updatedAt: at },
    ...changes,
  };
  await atomically(app, [app.db.insert(topics).values(row)]);
  return row;
}

/** A contact of a team. */
export async function testContact(
  app: App,
  teamId: string,
  email: string,
  changes: Partial<Contact> = {},
): Promise<Contact> {
  const at = app.now();
  const row: Contact = {
    ...{ teamId, id: newId(), email, firstName: null, lastName: null, unsubscribed: false },
    ...{ properties: {}, createdAt: at, updatedAt: at },
    ...changes,
  };
  await atomically(app, [app.db.insert(contacts).values(row)]);
  return row;
}

/** A static segment with these contacts. */
export async function testSegment(app: App, teamId: string, members: Contact[] = []): Promise<Segment> {
  const row = { id: newId(), teamId, name: "Everybody", rules: null, members: 0, createdAt: app.now() };
  await atomically(app, [
    app.db.insert(segments).values(row),
    ...members.map(({ id }) => app.db.insert(segmentMembers).values({ segmentId: row.id, contactId: id })),
  ]);
  return row as Segment;
}

/** What a contact says of a topic. */
export async function choose(
  app: App,
  contact: Contact,
  topic: Topic,
  subscription: Subscription,
): Promise<void> {
  await atomically(app, [
    app.db
      .insert(contactTopics)
      .values({ contactId: contact.id, topicId: topic.id, subscription })
      .onConflictDoUpdate({
        target: [contactTopics.contactId, contactTopics.topicId],
        set: { subscription },
      }),
  ]);
}
