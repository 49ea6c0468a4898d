import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Suppression } from "../suppressions/schema.ts";
import { findSuppression } from "../suppressions/store.ts";
import { listSegmentsOf } from "./members.ts";
import { getContact } from "./read.ts";
import { type Contact, contactActivity, type Segment } from "./schema.ts";
import { listTopicsOf, type TopicOfContact } from "./subscriptions.ts";

/** What a team keeps of a contact: themselves, their lists and choices, what happened, and why they are not sent to. */
export interface Person {
  contact: Contact;
  segments: Segment[];
  topics: TopicOfContact[];
  activity: typeof contactActivity.$inferSelect | undefined;
  suppression: Suppression | undefined;
}

/** For whoever asks what is known of them. */
export async function getPerson(app: App, teamId: string, idOrEmail: string): Promise<Person> {
  const contact = await getContact(app, teamId, idOrEmail);
  const all = { limit: undefined };
  const [segments, topics, activity, suppression] = await Promise.all([
    listSegmentsOf(app, teamId, contact.id, all),
    listTopicsOf(app, teamId, contact.id, all),
    app.db.select().from(contactActivity).where(eq(contactActivity.contactId, contact.id)).get(),
    findSuppression(app.db, teamId, contact.email, app.now()),
  ]);
  return { contact, segments, topics, activity, suppression };
}
