import { eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import { preparedWrite, rawWrite, type Write } from "../db/write.ts";
import { type Delivery, deliveries, type Email, emails } from "../emails/schema.ts";
import { type Engagement, engagements } from "./schema.ts";

/** A delivery that was visited, with what its events need. */
export interface VisitedDelivery {
  delivery: Pick<
    Delivery,
    "id" | "teamId" | "emailId" | "recipient" | "state" | "attempts" | "mxHost" | "settledAt"
  >;
  domainId: Email["domainId"];
  broadcastId: Email["broadcastId"];
  tags: Email["tags"];
  /** How many links its content has. */
  links: number;
  engagement: Engagement | null;
}

const visitedQuery = preparedRead((db) => {
  const { id, teamId, emailId, recipient, state, attempts, mxHost, settledAt } = getTableColumns(deliveries);
  return db
    .select({
      delivery: { id, teamId, emailId, recipient, state, attempts, mxHost, settledAt },
      domainId: emails.domainId,
      broadcastId: emails.broadcastId,
      tags: emails.tags,
      links: sql<number>`(select count(*) from links where content_id = ${emails.contentId})`,
      engagement: engagements,
    })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .leftJoin(engagements, eq(engagements.deliveryId, deliveries.id))
    .where(sql`${deliveries.id} in (select value from json_each(${sql.placeholder("ids")}))`)
    .prepare();
});

/** Those of the deliveries that there are. */
export async function listVisited(db: Db, ids: string[]): Promise<Map<string, VisitedDelivery>> {
  const rows: VisitedDelivery[] = await visitedQuery(db).all({ ids: JSON.stringify(ids) });
  return new Map(rows.map((row) => [row.delivery.id, row]));
}

/** Writes an engagement over what was read of it; to be followed by `expectChange`, since another node may have written. */
export const replaceEngagement = (
  row: Engagement,
  { byPeople, byMachines }: Pick<Engagement, "byPeople" | "byMachines">,
): Write => upsertEngagement({ ...row, wasByPeople: byPeople, wasByMachines: byMachines });

const { placeholder } = sql;

const upsertEngagement = preparedWrite<Engagement & { wasByPeople: number; wasByMachines: number }>((db) =>
  db
    .insert(engagements)
    .values({
      deliveryId: placeholder("deliveryId"),
      openedAt: placeholder("openedAt"),
      clickedAt: placeholder("clickedAt"),
      byPeople: placeholder("byPeople"),
      byMachines: placeholder("byMachines"),
    })
    .onConflictDoUpdate({
      target: engagements.deliveryId,
      set: {
        openedAt: sql`excluded.opened_at`,
        clickedAt: sql`excluded.clicked_at`,
        byPeople: sql`excluded.by_people`,
        byMachines: sql`excluded.by_machines`,
      },
      setWhere: sql`${engagements.byPeople} = ${placeholder("wasByPeople")} and ${engagements.byMachines} = ${placeholder("wasByMachines")}`,
    }),
);

// What a click may take the place of, an open may not: `last_event` never goes back, and never over what is worse.
const before = {
  opened: "('queued', 'sent', 'delivered', 'delivery_delayed')",
  clicked: "('queued', 'sent', 'delivered', 'delivery_delayed', 'opened')",
};

/** Shows with an email that a person has opened it or followed one of its links. */
export const showVisit = (emailId: string, kind: "opened" | "clicked"): Write =>
  rawWrite(`update emails set last_event = ? where id = ? and last_event in ${before[kind]}`, [
    kind,
    emailId,
  ]);
