/** Whom a broadcast would go to now, and who of its segment is left out: counted, before it is sent. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import { contactsPerStretch } from "../contacts/audience.ts";
import { conditionOf } from "../contacts/condition.ts";
import type { Segment } from "../contacts/schema.ts";
import { getSegment } from "../contacts/segments.ts";
import { nextStretch } from "../contacts/store.ts";
import { getTopic } from "../contacts/topics.ts";
import type { Broadcast } from "./schema.ts";

/** In contacts. Whoever is left out for several reasons is counted for the first of them. */
export interface Reach {
  /** Whom it is sent to. */
  recipients: number;
  /** Everybody in the segment. */
  contacts: number;
  /** They want no broadcasts at all. */
  unsubscribed: number;
  /** They don't want those of its topic. */
  notInTopic: number;
  suppressed: number;
}

const none: Reach = { recipients: 0, contacts: 0, unsubscribed: 0, notInTopic: 0, suppressed: 0 };

/** A stretch at a time, so that everybody else has their turn however many there are. */
export async function reachOf(
  app: App,
  { teamId, segmentId, topicId }: Pick<Broadcast, "teamId" | "segmentId" | "topicId">,
): Promise<Reach> {
  const segment = await getSegment(app, teamId, segmentId);
  if (topicId !== null) await getTopic(app, teamId, topicId);
  const counted = { ...none };
  for (let beyond: string | undefined; ; ) {
    const stretch = await stretchOf(app, segment, beyond);
    if (!stretch) return counted;
    const [row] = await app.db.values<[number, number | null, number | null, number | null]>(
      countIn(app, segment, topicId, stretch.contacts),
    );
    const [contacts, unsubscribed, notInTopic, suppressed] = row!.map((sum) => sum ?? 0);
    counted.contacts += contacts!;
    counted.unsubscribed += unsubscribed!;
    counted.notInTopic += notInTopic!;
    counted.suppressed += suppressed!;
    counted.recipients += contacts! - unsubscribed! - notInTopic! - suppressed!;
    beyond = stretch.to;
    await setImmediate();
  }
}

const membersPerStretch = 5_000;

/** The next contacts that may be in it: the members of a static one, all of the team's of a dynamic one. */
async function stretchOf(
  app: App,
  { id, teamId, rules }: Segment,
  beyond: string | undefined,
): Promise<{ contacts: SQL; to: string } | undefined> {
  if (rules) {
    const stretch = await nextStretch(app.db, teamId, beyond, contactsPerStretch(rules));
    if (!stretch) return undefined;
    const contacts = sql`from contacts c where c.team_id = ${teamId} and c.id >= ${stretch.from} and c.id <= ${stretch.to}`;
    return { contacts, to: stretch.to };
  }
  const [row] = await app.db.values<[string | null]>(
    sql`select max(contact_id) from (select contact_id from segment_members
          where segment_id = ${id} and contact_id > ${beyond ?? ""} order by contact_id limit ${membersPerStretch})`,
  );
  const to = row?.[0] ?? null;
  if (to === null) return undefined;
  const contacts = sql`from segment_members m cross join contacts c on c.team_id = ${teamId} and c.id = m.contact_id
    where m.segment_id = ${id} and m.contact_id > ${beyond ?? ""} and m.contact_id <= ${to}`;
  return { contacts, to };
}

function countIn(app: App, segment: Segment, topicId: string | null, contacts: SQL): SQL {
  const { teamId } = segment;
  const now = app.now();
  const isHeld = segment.rules ? sql`and ${conditionOf(segment, now)}` : sql``;
  const isOut =
    topicId === null
      ? sql`false`
      : sql`coalesce(
          (select subscription from contact_topics where contact_id = c.id and topic_id = ${topicId}),
          (select default_subscription from topics where id = ${topicId} and team_id = c.team_id)) is 'opt_out'`;
  // In the sandbox `suppressed@` of any domain is a suppressed address (D11).
  const inSandbox = app.sandbox
    ? sql`or c.email like 'suppressed@%' or c.email like 'suppressed+%@%'`
    : sql``;
  const isSuppressed = sql`(exists (select 1 from suppressions s where s.team_id = ${teamId} and s.address = c.email
      and (s.expires_at is null or s.expires_at > ${now.getTime()})) ${inSandbox})`;
  return sql`select count(*), sum(why = 1), sum(why = 2), sum(why = 3) from (
    select case when c.unsubscribed then 1 when ${isOut} then 2 when ${isSuppressed} then 3 else 0 end as why
    ${contacts} ${isHeld})`;
}
