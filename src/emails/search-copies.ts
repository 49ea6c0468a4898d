/**
 * What broadcasts have sent to somebody, for searches of emails. A broadcast is one email without recipients of its own;
 * their addresses are its deliveries', a million perhaps, and no words are written of them: a whole address is looked for
 * in the index that each broadcast's deliveries have, and a Message-ID names a delivery.
 */
import { and, eq, inArray, isNotNull, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Delivery, type DeliveryState, deliveries, emails, type LastEvent } from "./schema.ts";
import { type ListedEmail, listed } from "./store.ts";

/** Of a broadcast it is as one recipient got it. */
export interface FoundEmail extends ListedEmail {
  /** The delivery to that recipient. */
  deliveryId?: string;
}

type Copy = Pick<Delivery, "id" | "recipient" | "state">;

/** Broadcasts looked at for one answer, and copies read of what is found in them. */
const mostBroadcasts = 1_000;
const mostCopies = 200;

/** Newest first, of the broadcasts between two ids: from `least` on, before `position`. */
export async function listCopies(
  db: Db,
  teamId: string,
  recipient: string,
  { position, least }: { position: string | undefined; least: string },
): Promise<{ copies: FoundEmail[]; next?: string }> {
  const broadcasts = sql`
    select id from emails indexed by emails_broadcast
    where team_id = ${teamId} and broadcast_id is not null and id >= ${least} and id < ${position ?? "~"}
    order by id desc`;
  const [end] = await db.values<[string]>(sql`${broadcasts} limit 1 offset ${mostBroadcasts - 1}`);
  const rows = await db.values<[string, string, DeliveryState]>(
    sql`select d.email_id, d.id, d.state
        from (${broadcasts} limit ${mostBroadcasts}) b cross join deliveries d
          on d.email_id = b.id and d.recipient = ${recipient} and d.contact_id is not null
        limit ${mostCopies}`,
  );
  const copies = new Map(rows.map(([emailId, id, state]) => [emailId, { id, recipient, state }]));
  const found = await db
    .select(listed)
    .from(emails)
    .where(and(eq(emails.teamId, teamId), inArray(emails.id, [...copies.keys()])));
  return {
    copies: found.map((email) => asSent(email, copies.get(email.id)!)),
    next: rows.length === mostCopies ? rows.at(-1)![0] : end?.[0],
  };
}

/** The copy that a delivery is of. */
export async function findCopy(db: Db, teamId: string, deliveryId: string): Promise<FoundEmail | undefined> {
  const { id, recipient, state } = deliveries;
  const row = await db
    .select({ email: listed, copy: { id, recipient, state } })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .where(and(eq(id, deliveryId), eq(emails.teamId, teamId), isNotNull(emails.broadcastId)))
    .get();
  return row && asSent(row.email, row.copy);
}

function asSent(email: ListedEmail, { id, recipient, state }: Copy): FoundEmail {
  const lastEvent: LastEvent = state === "deferred" ? "delivery_delayed" : state;
  const messageId = email.messageId.replace(email.id, id); // a copy has one of its own
  return { ...email, deliveryId: id, messageId, recipients: [recipient], lastEvent };
}
