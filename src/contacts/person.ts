import { eq } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Suppression } from "../suppressions/schema.ts";
import { findSuppression } from "../suppressions/store.ts";
import { listSegmentsOf } from "./members.ts";
import { type Contact, contactActivity, type Segment } from "./schema.ts";
import { findContactByEmail } from "./store.ts";
import { listTopicsOf, type TopicOfContact } from "./subscriptions.ts";

/** What a team keeps of an address: the contact, their lists and choices, what happened, and why they are not sent to. */
export interface Person {
  contact: Contact | undefined;
  segments: Segment[];
  topics: TopicOfContact[];
  activity: typeof contactActivity.$inferSelect | undefined;
  suppression: Suppression | undefined;
}

/** For whoever asks what is known of them. An address, a `recipientKey`, need be no contact's. */
export async function getPerson(app: App, teamId: string, address: string): Promise<Person> {
  const [contact, suppression] = await Promise.all([
    findContactByEmail(app.db, teamId, address),
    findSuppression(app.db, teamId, address, app.now()),
  ]);
  if (!contact) return { contact, segments: [], topics: [], activity: undefined, suppression };
  const all = { limit: undefined };
  const [segments, topics, activity] = await Promise.all([
    listSegmentsOf(app, teamId, contact.id, all),
    listTopicsOf(app, teamId, contact.id, all),
    app.db.select().from(contactActivity).where(eq(contactActivity.contactId, contact.id)).get(),
  ]);
  return { contact, segments, topics, activity, suppression };
}
