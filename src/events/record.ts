import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import { preparedWrite, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { type CounterName, counters, type EventType, emailCounters, events } from "./schema.ts";

export interface NewEvent {
  type: EventType;
  teamId: string;
  emailId?: string;
  deliveryId?: string;
  recipient?: string;
  domainId?: string | null;
  broadcastId?: string | null;
  /** Counted besides: a recipient's first open is an `email.unique_opened`. */
  counts?: CounterName[];
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
          broadcastId: sql.placeholder("broadcastId"),
          event: sql.placeholder(`name${n}`),
          total: 1,
        })),
      )
      .onConflictDoUpdate({
        target: [counters.teamId, counters.hour, counters.domainId, counters.broadcastId, counters.event],
        set: { total: sql`${counters.total} + 1` },
      }),
  ),
);

const countByEmail = byCount((count) =>
  preparedWrite((db) =>
    db
      .insert(emailCounters)
      .values(
        Array.from({ length: count }, (_, n) => ({
          emailId: sql.placeholder("emailId"),
          hour: sql.placeholder("hour"),
          event: sql.placeholder(`name${n}`),
          teamId: sql.placeholder("teamId"),
          total: 1,
        })),
      )
      .onConflictDoUpdate({
        target: [emailCounters.emailId, emailCounters.hour, emailCounters.event],
        set: { total: sql`${emailCounters.total} + 1` },
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

// Accepting an email is the hottest path and must not cost a statement more; what was received is no email of ours.
const notByEmail = new Set<CounterName>([
  "email.queued",
  "email.scheduled",
  "email.canceled",
  "email.received",
]);

/** The writes that say a thing happened: the event and its counters. They belong in the batch of the thing itself. */
export function recordEvent(app: App, { type, ...about }: NewEvent): Write[] {
  return recordEvents(app, [type], about);
}

/** The same for one thing that is several types of event. */
export function recordEvents(app: App, types: EventType[], about: Omit<NewEvent, "type">): Write[] {
  const createdAt = app.now();
  const { teamId, emailId = null, deliveryId = null, recipient = null, data = {} } = about;
  const named = Object.fromEntries(
    types.flatMap((type, n) => [
      [`id${n}`, newId()],
      [`type${n}`, type],
    ]),
  );
  return [
    insertEvents(types.length)({ ...named, teamId, emailId, deliveryId, recipient, data, createdAt }),
    ...countNames(namesOf(types, about), about, createdAt),
  ];
}

function countNames(names: CounterName[], about: Omit<NewEvent, "type">, at: Date): Write[] {
  if (names.length === 0) return [];
  const { teamId, emailId, domainId, broadcastId } = about;
  const hour = new Date(at.getTime() - (at.getTime() % hourMs));
  const byEmail = emailId ? names.filter((name) => !notByEmail.has(name)) : [];
  return [
    countEvents(names.length)({
      ...numbered(names),
      ...{ teamId, hour, domainId: domainId ?? "", broadcastId: broadcastId ?? "" },
    }),
    ...(byEmail.length > 0
      ? [countByEmail(byEmail.length)({ ...numbered(byEmail), emailId, hour, teamId })]
      : []),
  ];
}

const numbered = (names: CounterName[]) =>
  Object.fromEntries(names.map((name, n) => [`name${n}`, name] as const));

/** What events are counted as. `email.sent` is another name of `email.delivered` (D10) and not counted again. */
function namesOf(types: EventType[], { counts = [], data }: Omit<NewEvent, "type">): CounterName[] {
  return [
    ...types.filter((type) => type !== "email.sent"),
    ...(types.includes("email.bounced") ? [bounceName(data?.bounce)] : []),
    ...counts,
  ];
}

/** By the type a bounce tells of itself, in the contract's words. */
function bounceName(bounce: unknown): CounterName {
  const type = (bounce as { type?: unknown } | undefined)?.type;
  if (type === "Permanent") return "email.bounced_permanent";
  return type === "Transient" ? "email.bounced_transient" : "email.bounced_undetermined";
}
