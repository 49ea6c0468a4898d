/** Leaving what a message was about: by one click of a mail program (RFC 8058), or on the page where people choose. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import { teams } from "../accounts/schema.ts";
import { type App, atomically } from "../app.ts";
import type { TopicChoice } from "../contacts/changes.ts";
import { contactWrites, type NewContact } from "../contacts/save.ts";
import { contacts, contactTopics, type Topic, topics } from "../contacts/schema.ts";
import type { Write } from "../db/write.ts";
import { recordEvent } from "../events/record.ts";
import { tellOnce } from "../events/told.ts";
import { once } from "../jobs/once.ts";
import { type Leaving, makeLeavingToken, readLeavingToken } from "../mail/unsubscribe.ts";
import { deliveries, emails } from "./schema.ts";

const secretOf = ({ secrets }: Pick<App, "secrets">) => secrets.derive("unsubscribe");

/** Where a recipient leaves what a message of theirs is about: the page for people, and the URL of RFC 8058. */
export function leavingUrl(app: Pick<App, "config" | "secrets">, leaving: Leaving): string {
  return `${app.config.server.publicUrl}/unsubscribe?token=${makeLeavingToken(leaving, secretOf(app))}`;
}

/** Who leaves what by a token; undefined when it is none of ours, or its team is gone. */
export async function readLeaving(app: App, token: string): Promise<Leaving | undefined> {
  const leaving = readLeavingToken(token, secretOf(app));
  if (!leaving) return undefined;
  const team = await app.db.select({ id: teams.id }).from(teams).where(eq(teams.id, leaving.teamId)).get();
  return team && leaving;
}

/** What somebody gets of a team, as the page for it shows. */
export interface Preferences {
  address: string;
  /** Who sent the message they come from; null once that is not kept any more. */
  sender: string | null;
  /** Whether they have left everything. */
  unsubscribed: boolean;
  topics: (Pick<Topic, "id" | "name" | "description"> & { isSubscribed: boolean })[];
  /** The topic of the message they come from, while there is one. */
  topic: { id: string; name: string } | null;
}

const mostTopics = 200;

/** Topics that are not public are shown only to who is in them, and to who comes from their mail. */
export async function getPreferences(app: App, leaving: Leaving): Promise<Preferences> {
  const { teamId, address, topicId } = leaving;
  const contact = await app.db
    .select({ id: contacts.id, unsubscribed: contacts.unsubscribed })
    .from(contacts)
    .where(sql`${contacts.teamId} = ${teamId} and ${contacts.email} = ${address}`)
    .get();
  const topicsWhere = (condition: SQL | undefined) =>
    app.db
      .select({ topic: topics, said: contactTopics.subscription })
      .from(topics)
      .leftJoin(
        contactTopics,
        sql`${contactTopics.contactId} = ${contact?.id ?? ""} and ${contactTopics.topicId} = ${topics.id}`,
      )
      .where(and(eq(topics.teamId, teamId), condition))
      .orderBy(topics.id)
      .limit(mostTopics);
  const rows = await topicsWhere(undefined);
  // That of the message is there however many there are: without it, whoever leaves it would leave everything.
  if (topicId !== null && !rows.some(({ topic }) => topic.id === topicId)) {
    rows.push(...(await topicsWhere(eq(topics.id, topicId))));
  }
  const all = rows.map(({ topic, said }) => ({
    ...topic,
    isSubscribed: (said ?? topic.defaultSubscription) === "opt_in",
  }));
  return {
    address,
    sender: await findSender(app, leaving),
    unsubscribed: contact?.unsubscribed ?? false,
    topics: all.filter(
      ({ id, visibility, isSubscribed }) => visibility === "public" || isSubscribed || id === topicId,
    ),
    topic: all.find(({ id }) => id === topicId) ?? null,
  };
}

async function findSender(app: App, { teamId, deliveryId }: Leaving): Promise<string | null> {
  return (await findSource(app, teamId, deliveryId))?.sender ?? null;
}

async function findSource(app: App, teamId: string, deliveryId: string) {
  const { sender, domainId, broadcastId, tags } = emails;
  return app.db
    .select({ sender, domainId, broadcastId, tags, emailId: deliveries.emailId })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .where(sql`${deliveries.id} = ${deliveryId} and ${deliveries.teamId} = ${teamId}`)
    .get();
}

/**
 * Leaves the topic of the message, and no other; everything, where the message has none or its topic was deleted: who asks
 * for no more mail must not be told that there is nothing to leave.
 */
export async function leave(app: App, leaving: Leaving): Promise<void> {
  const { topic } = await getPreferences(app, leaving);
  if (!topic) return leaveAll(app, leaving);
  await write(app, leaving, { topics: [{ id: topic.id, subscription: "opt_out" }] }, "leaves");
}

export async function leaveAll(app: App, leaving: Leaving): Promise<void> {
  await write(app, leaving, { unsubscribed: true }, "leaves");
}

/** Takes back that somebody left everything. */
export async function joinAgain(app: App, leaving: Leaving): Promise<void> {
  await write(app, leaving, { unsubscribed: false });
}

/** Of the topics that were shown to somebody, those they want; others stay as they are. */
export async function choosePreferences(
  app: App,
  leaving: Leaving,
  { shown, wanted }: { shown: string[]; wanted: string[] },
): Promise<void> {
  const before = await getPreferences(app, leaving);
  const changed = before.topics.filter(
    ({ id, isSubscribed }) => shown.includes(id) && isSubscribed !== wanted.includes(id),
  );
  if (changed.length === 0) return;
  const topics = changed.map(({ id, isSubscribed }): TopicChoice => {
    return { id, subscription: isSubscribed ? "opt_out" : "opt_in" };
  });
  const isLeft = changed.some(({ id, isSubscribed }) => id === leaving.topicId && isSubscribed);
  await write(app, leaving, { topics }, isLeft ? "leaves" : undefined);
}

/**
 * Writes what somebody wants; who is no contact becomes one, else nobody would remember. That the message made them leave is
 * told in the same batch, once for each message.
 */
async function write(
  app: App,
  leaving: Leaving,
  wish: Pick<NewContact, "topics" | "unsubscribed">,
  what?: "leaves",
): Promise<void> {
  const writes = await contactWrites(app, leaving.teamId, { email: leaving.address, ...wish });
  const told = what === "leaves" ? await tellLeaving(app, leaving) : [];
  const isTold = told.length > 0 && (await once(app, [...told, ...writes]));
  if (!isTold) await atomically(app, writes);
}

/** Stale where it was told before; nothing where the message is not kept any more. */
async function tellLeaving(app: App, { teamId, deliveryId, address, topicId }: Leaving): Promise<Write[]> {
  const source = await findSource(app, teamId, deliveryId);
  if (!source) return [];
  const { emailId, domainId, broadcastId, tags } = source;
  return [
    ...tellOnce("email.unsubscribed", deliveryId),
    ...recordEvent(app, {
      ...{ type: "email.unsubscribed", teamId, emailId, deliveryId, recipient: address },
      ...{ domainId, broadcastId, tags, data: { unsubscribed: { topic_id: topicId } } },
    }),
  ];
}
