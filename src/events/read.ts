import { and, eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { type Event, events, isOutcome, outcomeTypes } from "./schema.ts";

/** What happened to an email, sent or received, the newest first. */
export async function listEventsOf(
  db: Db,
  teamId: string,
  emailId: string,
  keyset: Keyset,
): Promise<Event[]> {
  const ofEmail = and(eq(events.emailId, emailId), eq(events.teamId, teamId));
  const { where, orderBy, limit } = pageOf(events.id, ofEmail, keyset);
  return newestFirst(await db.select().from(events).where(where).orderBy(orderBy).limit(limit), keyset);
}

/** What happened to an email or to one of its recipients, as timelines show it. */
export type Happening = Pick<Event, "type" | "data" | "createdAt">;

/**
 * What few recipients come to and what they did, of one recipient: the newest of each type, up to a number. What nearly
 * all come to has no index by delivery.
 */
export async function listOutcomesOf(
  db: Db,
  { emailId, deliveryId }: { emailId: string; deliveryId: string },
  mostOfType: number,
): Promise<Happening[]> {
  const ofType = outcomeTypes.map(
    (type) => sql`select * from (
      select type, data, created_at from events
      where email_id = ${emailId} and type = ${type} and ${sql.raw(isOutcome)} and delivery_id = ${deliveryId}
      order by id desc limit ${mostOfType})`,
  );
  const rows = await db.values<[Event["type"], string, number]>(sql.join(ofType, sql` union all `));
  return rows.map(([type, data, at]) => ({ type, data: JSON.parse(data), createdAt: new Date(at) }));
}

/** What recipients do with what they got, which says more of them than that it was delivered. */
const deedTypes = ["email.opened", "email.clicked", "email.complained", "email.unsubscribed"] as const;

/** What the recipients of some deliveries of an email have done themselves, without machines: `opened`, `complained`. */
export async function listDeeds(
  db: Db,
  emailId: string,
  deliveryIds: string[],
): Promise<Map<string, string[]>> {
  const rows = await db.values<[string, string]>(
    sql`select d.value, t.value from json_each(${JSON.stringify(deliveryIds)}) d
        cross join json_each(${JSON.stringify(deedTypes)}) t
        where exists (
          select 1 from events e
          where e.email_id = ${emailId} and e.type = t.value and ${sql.raw(`e.${isOutcome}`)} and e.delivery_id = d.value
            and json_extract(e.data, '$.is_bot') is not 1)`,
  );
  const byDelivery = Map.groupBy(rows, ([id]) => id);
  return new Map(
    [...byDelivery].map(([id, found]) => [id, found.map(([, type]) => type.replace("email.", ""))]),
  );
}
