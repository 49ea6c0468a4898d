/** Whom a broadcast goes to: written down when it begins, and taken from there slice by slice. */
import { and, asc, eq, gt, sql } from "drizzle-orm";
import { conditionOf } from "../contacts/condition.ts";
import { type Contact, contacts, type Segment } from "../contacts/schema.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, sqlWrite, type Write } from "../db/write.ts";
import { type Broadcast, broadcastAudience } from "./schema.ts";

/**
 * Writes down who is in the segment at this moment, and who of them wants it. One statement, so that it is one moment for
 * all: who joins, leaves or changes while deliveries are being made changes nothing any more. With bounds, only those
 * between two ids.
 */
export function fixAudience(
  { id, teamId, topicId }: Pick<Broadcast, "id" | "teamId" | "topicId">,
  segment: Segment,
  now: Date,
  { after, before }: { after?: string | null; before?: string | null } = {},
): Write {
  const isInTopic =
    topicId === null
      ? sql`1`
      : sql`coalesce(
          (select subscription from contact_topics where contact_id = c.id and topic_id = ${topicId}),
          (select default_subscription from topics where id = ${topicId} and team_id = ${teamId})) is not 'opt_out'`;
  // Of a static segment its members are walked, who may be few among a million.
  const people =
    segment.rules === null
      ? sql`segment_members m cross join contacts c on c.team_id = ${teamId} and c.id = m.contact_id
            where m.segment_id = ${segment.id}`
      : sql`contacts c where c.team_id = ${teamId} and ${conditionOf(segment, now)}`;
  return sqlWrite(
    sql`insert into broadcast_audience (broadcast_id, contact_id, is_wanted)
        select ${id}, c.id, not c.unsubscribed and ${isInTopic} from ${people}
          ${after ? sql`and c.id > ${after}` : sql``} ${before ? sql`and c.id < ${before}` : sql``}`,
  );
}

export interface AudienceSlice {
  /** Those who wanted it when it began, as they are now. Who has been removed since is not among them. */
  contacts: Contact[];
  /** How many did not want it. */
  unwanted: number;
  /** The last of the slice; undefined where nobody is left. */
  to: string | undefined;
  isLast: boolean;
}

/** The next so many behind a contact, in the order of their ids. */
export async function nextOfAudience(
  db: Db,
  { id, teamId, cursor }: Pick<Broadcast, "id" | "teamId" | "cursor">,
  size: number,
): Promise<AudienceSlice> {
  const rows = await db
    .select({ id: broadcastAudience.contactId, isWanted: broadcastAudience.isWanted, contact: contacts })
    .from(broadcastAudience)
    .leftJoin(contacts, and(eq(contacts.teamId, teamId), eq(contacts.id, broadcastAudience.contactId)))
    .where(and(eq(broadcastAudience.broadcastId, id), gt(broadcastAudience.contactId, cursor ?? "")))
    .orderBy(asc(broadcastAudience.contactId))
    .limit(size);
  return {
    contacts: rows.flatMap(({ isWanted, contact }) => (isWanted && contact ? [contact] : [])),
    unwanted: rows.filter(({ isWanted, contact }) => !isWanted && contact).length,
    to: rows.at(-1)?.id,
    isLast: rows.length < size,
  };
}

/** Up to a contact they have been dealt with. */
export const leaveAudience = ({ id }: Pick<Broadcast, "id">, to: string): Write =>
  rawWrite("delete from broadcast_audience where broadcast_id = ? and contact_id <= ?", [id, to]);
