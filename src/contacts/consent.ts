/** What people want to be sent: asked when mail of a topic is accepted, and again before every attempt. */
import { sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { isId } from "../ids.ts";
import { recipientKey } from "../mail/address.ts";

/** Why somebody is not to be sent mail of a list: they have left everything, they are not in the topic, or their team has removed them since. */
export type Unwanted = "unsubscribed" | "topic" | "removed";

export async function hasTopic(db: Db, teamId: string, topicId: string): Promise<boolean> {
  if (!isId(topicId)) return false;
  const rows = await db.values(
    sql`select 1 from topics where id = ${topicId.toLowerCase()} and team_id = ${teamId}`,
  );
  return rows.length > 0;
}

/**
 * Those of the addresses that don't want mail of a topic, as `recipientKey`s. Who is no contact has said nothing: the
 * topic's default decides, and a topic that is gone keeps nobody from anything.
 */
export async function unwantedAmong(
  db: Db,
  teamId: string,
  topicId: string,
  addresses: string[],
): Promise<Map<string, Unwanted>> {
  const keys = JSON.stringify([...new Set(addresses.map(recipientKey))]);
  const rows = await db.values<[string, Unwanted]>(
    sql`select wanted.value, iif(c.unsubscribed, 'unsubscribed', 'topic')
        from json_each(${keys}) wanted
        left join contacts c on c.team_id = ${teamId} and c.email = wanted.value
        left join contact_topics s on s.contact_id = c.id and s.topic_id = ${topicId}
        where c.unsubscribed or coalesce(s.subscription,
          (select default_subscription from topics where id = ${topicId} and team_id = ${teamId})) = 'opt_out'`,
  );
  return new Map(rows);
}

const words: Record<Unwanted, { reason: string; message: string }> = {
  unsubscribed: {
    reason: "unsubscribed",
    message: "The recipient has unsubscribed from everything you send to lists.",
  },
  topic: {
    reason: "topic_opt_out",
    message: "The recipient is not subscribed to this topic.",
  },
  removed: { reason: "contact_removed", message: "The contact was removed before the message went out." },
};

export const isUnwanted = (why: string): why is Unwanted => Object.hasOwn(words, why);

/** What the event of a delivery that was not wanted tells, in the shape that suppressions have. */
export const tellUnwanted = (why: Unwanted) => ({
  message: words[why].message,
  type: "Suppressed",
  reason: words[why].reason,
  diagnosticCode: [],
});
