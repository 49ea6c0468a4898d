/** What is kept of one person in the broadcasts that went to them, for whoever asks what is known of them. */
import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Contact } from "../contacts/schema.ts";
import type { DeliveryState } from "../emails/schema.ts";
import { isOutcome } from "../events/schema.ts";

export interface SentBroadcast {
  id: string;
  deliveryId: string;
  name: string;
  state: DeliveryState;
  createdAt: Date;
  /** What was filled in for them. */
  values: Record<string, unknown>;
  /** What few recipients come to, and what they did themselves: opens, clicks, a bounce, that they left. */
  events: { type: string; createdAt: Date; data: unknown }[];
}

/** Newest first. Two looks at indexes for each of the team's broadcasts. */
export async function getBroadcastsTo(
  app: App,
  { teamId, email }: Pick<Contact, "teamId" | "email">,
): Promise<SentBroadcast[]> {
  const rows = await app.db.values<[string, string, string, string, DeliveryState, number, string | null]>(
    sql`select b.id, b.name, b.email_id, d.id, d.state, d.created_at, d.merge_values
        from broadcasts b cross join deliveries d
          on d.email_id = b.email_id and d.recipient = ${email} and d.contact_id is not null
        where b.team_id = ${teamId} order by b.id desc`,
  );
  const wanted = JSON.stringify(rows.map(([, , emailId, deliveryId]) => [emailId, deliveryId]));
  const events = await app.db.values<[string, string, number, string]>(
    sql`select e.delivery_id, e.type, e.created_at, e.data
        from json_each(${wanted}) w cross join events e
          on e.email_id = w.value ->> 0 and ${sql.raw(`e.${isOutcome}`)} and e.delivery_id = w.value ->> 1`,
  );
  const byDelivery = Map.groupBy(events, ([deliveryId]) => deliveryId);
  return rows.map(([id, name, , deliveryId, state, createdAt, values]) => ({
    ...{
      id,
      deliveryId,
      name,
      state,
      createdAt: new Date(createdAt),
      values: values === null ? {} : JSON.parse(values),
    },
    events: (byDelivery.get(deliveryId) ?? [])
      .map(([, type, at, data]) => ({ type, createdAt: new Date(at), data: JSON.parse(data) as unknown }))
      .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
  }));
}
