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

// A statement for one event and one for several at once: two facts of one outcome cost hardly more than one.
const insertEvents = byCount((count) =>
  preparedWrite((db) =>
    db.insert(events).values(
      Array.from({ length: count }, (_, n) => ({
        id: sql.placeholder(`id${n}`),
        teamId: sql.placeholder("teamId"),
        type: sql.placeholder(`type${n}`),
        emailId: sql.placeholder("emailId"),
        deliveryId: sql.placeholder("deliveryId"),
        recipient: sql.placeholder("recipient"),
        data: sql.placeholder("data"),
        createdAt: sql.placeholder("createdAt"),
      })),
    ),
  ),
);

const countEvents = byCount((count) =>
  preparedWrite((db) =>
    db
      .insert(counters)
      .values(
        Array.from({ length: count }, (_, n) => ({
          teamId: sql.placeholder("teamId"),
          hour: sql.placeholder("hour"),
          domainId: sql.placeholder("domainId"),
          broadcastId: "",
          event: sql.placeholder(`type${n}`),
          total: sql.placeholder("total"),
        })),
      )
      .onConflictDoUpdate({
        target: [counters.teamId, counters.hour, counters.domainId, counters.broadcastId, counters.event],
        set: { total: sql`${counters.total} + excluded.total` },
      }),
  ),
);

function byCount<T>(make: (count: number) => T): (count: number) => T {
  const made: T[] = [];
  return (count) => {
    made[count] ??= make(count);
    return made[count];
  };
}

const hourMs = 3_600_000;

/** The writes that say a thing happened: the event and its counter. They belong in the batch of the thing itself. */
export function recordEvent(app: App, { type, ...about }: NewEvent): Write[] {
  return recordEvents(app, [type], about);
}

/** The same for one thing that is several types of event. */
export function recordEvents(app: App, types: EventType[], about: Omit<NewEvent, "type">): Write[] {
  const createdAt = app.now();
  const { teamId, emailId = null, deliveryId = null, recipient = null, domainId, data = {} } = about;
  const named = Object.fromEntries(
    types.flatMap((type, n) => [
      [`id${n}`, newId()],
      [`type${n}`, type],
    ]),
  );
  return [
    insertEvents(types.length)({ ...named, teamId, emailId, deliveryId, recipient, data, createdAt }),
    countEvents(types.length)({
      ...named,
      teamId,
      hour: hourOf(createdAt),
      domainId: domainId ?? "",
      total: 1,
    }),
  ];
}

/** The same for many things at once: those that are counted together cost one counter. */
export function recordMany(app: App, happened: NewEvent[]): Write[] {
  if (happened.length === 1) return recordEvent(app, happened[0]!);
  const createdAt = app.now();
  const hour = hourOf(createdAt);
  const inserts: Write[] = [];
  const totals = new Map<string, { teamId: string; domainId: string; type0: EventType; total: number }>();
  for (const { type, teamId, emailId = null, deliveryId = null, recipient = null, ...about } of happened) {
    const { domainId, data = {} } = about;
    inserts.push(
      insertEvents(1)({ id0: newId(), type0: type, teamId, emailId, deliveryId, recipient, data, createdAt }),
    );
    const counter = { teamId, domainId: domainId ?? "", type0: type, total: 0 };
    const key = `${teamId} ${counter.domainId} ${type}`;
    const known = totals.get(key) ?? counter;
    known.total++;
    totals.set(key, known);
  }
  return [...inserts, ...[...totals.values()].map((counter) => countEvents(1)({ ...counter, hour }))];
}

const hourOf = (at: Date): Date => new Date(at.getTime() - (at.getTime() % hourMs));
