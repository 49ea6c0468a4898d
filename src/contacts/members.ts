/** Static segments and the contacts in them. */
import { eq } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { changeMembership } from "./changes.ts";
import { getContact } from "./read.ts";
import { type Contact, type Segment, segmentMembers, segments } from "./schema.ts";
import { getStatic, listDynamic } from "./segments.ts";
import { isInSegment } from "./store.ts";

export interface Membership {
  contactId: string;
  segmentId: string;
}

/** Puts a contact into a static segment, or takes them out; nothing happens where that is so already. */
export async function setMembership(
  app: App,
  teamId: string,
  idOrEmail: string,
  segmentId: string,
  isMember: boolean,
): Promise<Membership> {
  const contact = await getContact(app, teamId, idOrEmail);
  const segment = await getStatic(app, teamId, segmentId);
  await atomically(app, changeMembership(app, contact, segment.id, isMember));
  return { contactId: contact.id, segmentId: segment.id };
}

/** One page of the static segments that a contact is in and one more, newest first. */
export async function listSegmentsOf(
  app: App,
  teamId: string,
  idOrEmail: string,
  page: Keyset,
): Promise<Segment[]> {
  const contact = await getContact(app, teamId, idOrEmail);
  const { where, orderBy, limit } = pageOf(
    segmentMembers.segmentId,
    eq(segmentMembers.contactId, contact.id),
    page,
  );
  const rows = await app.db
    .select({ segment: segments })
    .from(segmentMembers)
    .innerJoin(segments, eq(segments.id, segmentMembers.segmentId)) // of one that was deleted, members may be left
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(
    rows.map(({ segment }) => segment),
    page,
  );
}

const mostDynamic = 50;

/** Those of the team's newest dynamic segments whose rules hold for a contact now. */
export async function listDynamicOf(app: App, contact: Contact): Promise<Segment[]> {
  const dynamic = await listDynamic(app, contact.teamId, mostDynamic);
  const isIn = await Promise.all(dynamic.map((each) => isInSegment(app.db, contact, each, app.now())));
  return dynamic.filter((_, at) => isIn[at]);
}
