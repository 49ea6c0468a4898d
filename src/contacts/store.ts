import { and, eq, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { conditionOf } from "./condition.ts";
import { type Contact, contacts, contactTotals, type Segment, segmentMembers } from "./schema.ts";

/** What conditions call it. */
const c = alias(contacts, "c");

export async function findContact(db: Db, teamId: string, id: string): Promise<Contact | undefined> {
  return db
    .select()
    .from(contacts)
    .where(and(eq(contacts.teamId, teamId), eq(contacts.id, id)))
    .get();
}

export async function findContactByEmail(
  db: Db,
  teamId: string,
  email: string,
): Promise<Contact | undefined> {
  return db
    .select()
    .from(contacts)
    .where(and(eq(contacts.teamId, teamId), eq(contacts.email, email)))
    .get();
}

/** One page and one row more, newest first. */
export async function listContacts(db: Db, teamId: string, page: Keyset): Promise<Contact[]> {
  const { where, orderBy, limit } = pageOf(contacts.id, eq(contacts.teamId, teamId), page);
  return newestFirst(await db.select().from(contacts).where(where).orderBy(orderBy).limit(limit), page);
}

/** The same of a static segment. */
export async function listMembers(
  db: Db,
  teamId: string,
  segmentId: string,
  page: Keyset,
): Promise<Contact[]> {
  const { where, orderBy, limit } = pageOf(
    segmentMembers.contactId,
    eq(segmentMembers.segmentId, segmentId),
    page,
  );
  const rows = await db
    .select({ contact: contacts })
    .from(segmentMembers)
    .crossJoin(contacts)
    .where(and(where, eq(contacts.teamId, teamId), eq(contacts.id, segmentMembers.contactId)))
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(
    rows.map(({ contact }) => contact),
    page,
  );
}

/** A stretch of a team's contacts, from one id to another, both in it. */
export interface Stretch {
  from: string;
  to: string;
}

/**
 * The next so many contacts above an id (or, downwards, below it); undefined when there are none. Whoever looks for few
 * among a million goes from stretch to stretch, so that other work gets its turn.
 */
export async function nextStretch(
  db: Db,
  teamId: string,
  beyond: string | undefined,
  size: number,
  direction: "up" | "down" = "up",
): Promise<Stretch | undefined> {
  const next =
    direction === "up"
      ? sql`team_id = ${teamId} and id > ${beyond ?? ""} order by id`
      : sql`team_id = ${teamId} and id < ${beyond ?? aboveAllIds} order by id desc`;
  const [row] = await db.values<[string | null, string | null]>(
    sql`select min(id), max(id) from (select id from contacts where ${next} limit ${size})`,
  );
  const [from, to] = row ?? [null, null];
  return from === null || to === null ? undefined : { from, to };
}

const aboveAllIds = "g";

const inStretch = (teamId: string, { from, to }: Stretch, condition: SQL) =>
  sql`${c.teamId} = ${teamId} and ${c.id} >= ${from} and ${c.id} <= ${to} and ${condition}`;

/** Those of a stretch that a condition on `c` holds for, newest first or oldest first. */
export async function listMatching(
  db: Db,
  teamId: string,
  stretch: Stretch,
  condition: SQL,
  { limit, direction }: { limit: number; direction: "up" | "down" },
): Promise<Contact[]> {
  return db
    .select()
    .from(c)
    .where(inStretch(teamId, stretch, condition))
    .orderBy(direction === "up" ? sql`${c.id}` : sql`${c.id} desc`)
    .limit(limit);
}

export async function countMatching(
  db: Db,
  teamId: string,
  stretch: Stretch,
  condition: SQL,
): Promise<number> {
  const row = await db
    .select({ count: sql<number>`count(*)` })
    .from(c)
    .where(inStretch(teamId, stretch, condition))
    .get();
  return row!.count;
}

/** Whether a contact is in a segment. */
export async function isInSegment(db: Db, contact: Contact, segment: Segment, now: Date): Promise<boolean> {
  const at = { from: contact.id, to: contact.id };
  return (await countMatching(db, contact.teamId, at, conditionOf(segment, now))) > 0;
}

export async function findTotals(db: Db, teamId: string): Promise<{ total: number; unsubscribed: number }> {
  const row = await db.select().from(contactTotals).where(eq(contactTotals.teamId, teamId)).get();
  return { total: row?.total ?? 0, unsubscribed: row?.unsubscribed ?? 0 };
}
