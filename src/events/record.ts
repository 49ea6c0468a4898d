import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import { preparedWrite, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { counters, type EventType, events } from "./schema.ts";

export interface NewEvent {
  type: EventType;
  teamId: string;
  emailId?: string;
  deliveryId?: string;
  recipient?: string;
  domainId?: string | null;
  data?: Record<string, unknown>;
}

const insertEvent = preparedWrite((db) =>
  db.insert(events).values({
    id: sql.placeholder("id"),
    teamId: sql.placeholder("teamId"),
    type: sql.placeholder("type"),
    emailId: sql.placeholder("emailId"),
    deliveryId: sql.placeholder("deliveryId"),
    recipient: sql.placeholder("recipient"),
    data: sql.placeholder("data"),
    createdAt: sql.placeholder("createdAt"),
  }),
);

const count = preparedWrite((db) =>
  db
    .insert(counters)
    .values({
      teamId: sql.placeholder("teamId"),
      hour: sql.placeholder("hour"),
      domainId: sql.placeholder("domainId"),
      event: sql.placeholder("event"),
      total: 1,
    })
    .onConflictDoUpdate({
      target: [counters.teamId, counters.hour, counters.domainId, counters.event],
      set: { total: sql`${counters.total} + 1` },
    }),
);

const hourMs = 3_600_000;

/** The writes that say a thing happened: the event and its counter. They belong in the batch of the thing itself. */
export function recordEvent(app: App, event: NewEvent): Write[] {
  const createdAt = app.now();
  const { type, teamId, emailId = null, deliveryId = null, recipient = null, domainId, data = {} } = event;
  return [
    insertEvent({ id: newId(), teamId, type, emailId, deliveryId, recipient, data, createdAt }),
    count({
      teamId,
      hour: new Date(createdAt.getTime() - (createdAt.getTime() % hourMs)),
      domainId: domainId ?? "",
      event: type,
    }),
  ];
}
