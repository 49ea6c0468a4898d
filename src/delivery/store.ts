import { eq, getTableColumns, sql } from "drizzle-orm";
import { type Broadcast, broadcasts } from "../broadcasts/schema.ts";
import { type Unwanted, unwantedAmong } from "../contacts/consent.ts";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import { preparedWrite, rawWrite } from "../db/write.ts";
import { domains } from "../domains/schema.ts";
import { type Content, contents, type Delivery, deliveries, type Email, emails } from "../emails/schema.ts";
import { hasForeignCapitals, recipientKey } from "../mail/address.ts";
import { type Attempt, attempts } from "./schema.ts";

const { placeholder } = sql;

/** A delivery with all of its email that an attempt needs; `domain` is absent once the sending domain was removed. */
export interface DueDelivery {
  delivery: Delivery;
  email: Email;
  content: Content;
  domain: { id: string; name: string; returnPathLabel: string; tls: "opportunistic" | "enforced" } | null;
  hasAttachments: boolean;
  /** Whether it came as a message, which is then sent. */
  hasSource: boolean;
  /** Why the recipient is not to have it: only of mail with a topic, and of broadcasts. */
  unwanted: Unwanted | null;
  broadcast: Pick<
    Broadcast,
    "id" | "status" | "ratePerMinute" | "conductor" | "steered" | "steerCursor" | "fallbacks"
  > | null;
}

/** What `unwantedAmong` tells of recipients, for the row of a delivery. Other mail costs nothing. */
const unwantedOf = `
  case when emails.topic_id is null and emails.broadcast_id is null then null else (
    select case
      when deliveries.contact_id is not null and c.id is null then 'removed'
      when c.unsubscribed then 'unsubscribed'
      when coalesce(
        (select subscription from contact_topics where contact_id = c.id and topic_id = emails.topic_id),
        (select default_subscription from topics where id = emails.topic_id)) = 'opt_out' then 'topic'
    end
    from (select 1) left join contacts c on c.team_id = deliveries.team_id and c.email = lower(deliveries.recipient)
  ) end`;

const dueDeliveryQuery = preparedRead((db) => {
  const { id, name, returnPathLabel, tls } = getTableColumns(domains);
  return db
    .select({
      delivery: deliveries,
      email: emails,
      content: contents,
      domain: { id, name, returnPathLabel, tls },
      hasAttachments: sql<boolean>`exists (select 1 from attachments where email_id = ${emails.id})`.mapWith(
        Boolean,
      ),
      hasSource: sql<boolean>`exists (select 1 from email_sources where email_id = ${emails.id})`.mapWith(
        Boolean,
      ),
      unwanted: sql<Unwanted | null>`${sql.raw(unwantedOf)}`,
      broadcast: {
        id: broadcasts.id,
        status: broadcasts.status,
        ratePerMinute: broadcasts.ratePerMinute,
        conductor: broadcasts.conductor,
        steered: broadcasts.steered,
        steerCursor: broadcasts.steerCursor,
        fallbacks: broadcasts.fallbacks,
      },
    })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .innerJoin(contents, eq(contents.id, emails.contentId))
    .leftJoin(domains, eq(domains.id, emails.domainId))
    .leftJoin(broadcasts, eq(broadcasts.id, emails.broadcastId))
    .where(sql`${deliveries.id} in (select value from json_each(${placeholder("ids")}))`)
    .prepare();
});

/** SQLite's `lower` left a capital beyond ASCII in the address: the contact is looked for as it is kept. */
async function askAgain(db: Db, due: DueDelivery): Promise<void> {
  const { teamId, recipient, contactId } = due.delivery;
  const { topicId } = due.email;
  if (topicId === null || contactId !== null) return;
  const unwanted = await unwantedAmong(db, teamId, topicId, [recipient]);
  due.unwanted = unwanted.get(recipientKey(recipient)) ?? null;
}

interface Asked {
  ids: string[];
  rows: Promise<Map<string, DueDelivery>>;
}

const asked = new WeakMap<Db, Asked>();

/**
 * The deliveries that are asked for in one turn are read together: jobs are claimed many at a time, and a statement for
 * each costs four times as much.
 */
export async function findDueDelivery(db: Db, id: string): Promise<DueDelivery | undefined> {
  let together = asked.get(db);
  if (together) together.ids.push(id);
  else {
    const ids = [id];
    const rows = Promise.resolve().then(async () => {
      asked.delete(db);
      const found: DueDelivery[] = await dueDeliveryQuery(db).all({ ids: JSON.stringify(ids) });
      for (const due of found) if (hasForeignCapitals(due.delivery.recipient)) await askAgain(db, due);
      return new Map(found.map((row) => [row.delivery.id, row]));
    });
    together = { ids, rows };
    asked.set(db, together);
  }
  return (await together.rows).get(id);
}

export const updateDelivery = preparedWrite<
  Pick<
    Delivery,
    "id" | "state" | "attempts" | "lastReply" | "mxHost" | "firstAttemptAt" | "nextAttemptAt" | "settledAt"
  >
>((db) =>
  db
    .update(deliveries)
    .set({
      state: sql`${placeholder("state")}`,
      attempts: sql`${placeholder("attempts")}`,
      lastReply: sql`${placeholder("lastReply")}`,
      mxHost: sql`${placeholder("mxHost")}`,
      firstAttemptAt: sql`${sql.param(placeholder("firstAttemptAt"), deliveries.firstAttemptAt)}`,
      nextAttemptAt: sql`${sql.param(placeholder("nextAttemptAt"), deliveries.nextAttemptAt)}`,
      settledAt: sql`${sql.param(placeholder("settledAt"), deliveries.settledAt)}`,
    })
    .where(eq(deliveries.id, placeholder("id"))),
);

/**
 * Gives a delivery its turn; where the broadcast has another conductor by now, who may have given it one already, that one
 * counts, and the job that is put back in this batch follows it.
 */
export const takeTurn = (
  { id, conductor }: Pick<Broadcast, "id" | "conductor">,
  deliveryId: string,
  at: Date,
) => [
  rawWrite(
    `update deliveries set next_attempt_at = ?2
     where id = ?1 and exists (select 1 from broadcasts where id = ?3 and conductor = ?4)`,
    [deliveryId, at.getTime(), id, conductor],
  ),
  {
    ...rawWrite(
      `update jobs set run_at = (select next_attempt_at from deliveries where id = ?1)
       where id = ?1 and exists (select 1 from deliveries where id = ?1 and next_attempt_at < ?2)`,
      [deliveryId, at.getTime()],
    ),
    dueAt: at,
  },
  rawWrite(
    `update lanes set next_at = max(coalesce(blocked_until, 0), (select run_at from jobs where id = ?1))
     where lane = (select lane from jobs where id = ?1) and next_at > (select run_at from jobs where id = ?1)`,
    [deliveryId],
  ),
];

export const insertAttempt = preparedWrite<Attempt>((db) =>
  db
    .insert(attempts)
    .values({
      deliveryId: placeholder("deliveryId"),
      number: placeholder("number"),
      position: placeholder("position"),
      outcome: placeholder("outcome"),
      class: placeholder("class"),
      host: placeholder("host"),
      address: placeholder("address"),
      localAddress: placeholder("localAddress"),
      reused: placeholder("reused"),
      steps: placeholder("steps"),
      tls: placeholder("tls"),
      limiter: placeholder("limiter"),
      said: placeholder("said"),
      startedAt: placeholder("startedAt"),
      endedAt: placeholder("endedAt"),
    })
    // A hold whose ending could not be written is told twice; the first account is the better one.
    .onConflictDoNothing(),
);
