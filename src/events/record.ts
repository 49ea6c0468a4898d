import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { preparedWrite, rawWrite, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { activityOf } from "./activity.ts";
import { dueOrQuiet, isHeard, isQuiet, unheardTypes } from "./heard.ts";
import {
  type CounterName,
  counters,
  type EventType,
  emailCounters,
  events,
  providerCounters,
} from "./schema.ts";

export interface NewEvent {
  /** For whoever has to know it; a new one when absent. */
  id?: string;
  type: EventType;
  teamId: string;
  emailId?: string;
  deliveryId?: string;
  recipient?: string;
  domainId?: string | null;
  broadcastId?: string | null;
  /** The large provider that has the recipient's mailbox, where it is one that is known. */
  provider?: string;
  /** Of the email; what becomes of it is counted by them. */
  tags?: readonly { name: string; value: string }[];
  /** Counted besides: a recipient's first open is an `email.unique_opened`. */
  counts?: CounterName[];
  data?: Record<string, unknown>;
  /** The one endpoint of the team that hears of it; those that subscribed to it when absent. */
  webhookId?: string;
}

// A statement for one event and one for several at once: two facts of one outcome cost hardly more than one.
const insertEvents = byCount((count) => preparedWrite((db) => insertion(db, count)));

// The database has endpoints hear of an event (the triggers of the webhooks migration), and this says whether any did.
const insertHeardEvents = byCount((count) =>
  preparedWrite((db) => insertion(db, count).returning({ isHeard: sql.raw(isHeard) })),
);

const insertion = (db: Db, count: number) =>
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
      webhookId: sql.placeholder("webhookId"),
    })),
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
          total: sql.placeholder("total"),
        })),
      )
      .onConflictDoUpdate({
        target: [counters.teamId, counters.hour, counters.domainId, counters.broadcastId, counters.event],
        set: { total: sql`${counters.total} + excluded.total` },
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

const countByProvider = byCount((count) =>
  preparedWrite((db) =>
    db
      .insert(providerCounters)
      .values(
        Array.from({ length: count }, (_, n) => ({
          teamId: sql.placeholder("teamId"),
          hour: sql.placeholder("hour"),
          provider: sql.placeholder("provider"),
          event: sql.placeholder(`name${n}`),
          total: 1,
        })),
      )
      .onConflictDoUpdate({
        target: [
          providerCounters.teamId,
          providerCounters.hour,
          providerCounters.provider,
          providerCounters.event,
        ],
        set: { total: sql`${providerCounters.total} + 1` },
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

/** Of a broadcast's recipients, being canceled is one of the things they come to, and shown with the others. */
const isByEmail = (name: CounterName, { broadcastId }: About): boolean =>
  !notByEmail.has(name) || (name === "email.canceled" && !!broadcastId);

/** The writes that say a thing happened: the event and its counters. They belong in the batch of the thing itself. */
export function recordEvent(app: App, event: NewEvent): Write[] {
  return recordEvents(app, [event.type], event);
}

/** The same for one thing that is several types of event. */
export function recordEvents(app: App, types: EventType[], about: Omit<NewEvent, "type" | "id">): Write[] {
  const at = app.now();
  const names = namesOf(types, about);
  const writes = [insertOf(app, types, about, at), ...activityOf(types, about, at)];
  if (names.length > 0) writes.push(countOf(names, about, at, 1));
  writes.push(...countOfOne(names, about, at));
  return writes;
}

/** The same for many things at once: those that are counted together cost one counter. */
export function recordMany(app: App, happened: NewEvent[]): Write[] {
  if (happened.length === 1) return recordEvent(app, happened[0]!);
  const at = app.now();
  const writes: Write[] = [];
  const totals = new Map<string, { name: CounterName; about: About; total: number }>();
  for (const { type, ...about } of happened) {
    const names = namesOf([type], about);
    writes.push(insertOf(app, [type], about, at));
    writes.push(...activityOf([type], about, at), ...countOfOne(names, about, at));
    for (const name of names) {
      const key = `${about.teamId} ${about.domainId} ${about.broadcastId} ${name}`;
      const known = totals.get(key);
      if (known) known.total++;
      else totals.set(key, { name, about, total: 1 });
    }
  }
  for (const { name, about, total } of totals.values()) writes.push(countOf([name], about, at, total));
  return writes;
}

type About = Omit<NewEvent, "type">;

function insertOf(app: App, types: EventType[], about: About, createdAt: Date): Write {
  const { teamId, emailId = null, deliveryId = null, recipient = null, data = {}, webhookId = null } = about;
  const shared = { teamId, emailId, deliveryId, recipient, data, createdAt, webhookId };
  const values: Record<string, unknown> = shared;
  for (let n = 0; n < types.length; n++) {
    values[`id${n}`] = about.id ?? newId();
    values[`type${n}`] = types[n];
  }
  const isForNobody = types.every((type) => unheardTypes.has(type)) || isQuiet(app, teamId);
  if (isForNobody && webhookId === null) return insertEvents(types.length)(values);
  return { ...insertHeardEvents(types.length)(values), ...dueOrQuiet(app, teamId, createdAt) };
}

function countOf(names: CounterName[], about: About, at: Date, total: number): Write {
  const { teamId, domainId, broadcastId } = about;
  const place = { teamId, hour: hourOf(at), domainId: domainId ?? "", broadcastId: broadcastId ?? "", total };
  return countEvents(names.length)(withNames(place, names));
}

/** By what events don't share when they are recorded together. */
function countOfOne(names: CounterName[], about: About, at: Date): Write[] {
  const { emailId, provider, teamId, tags } = about;
  const writes: Write[] = [];
  const told = emailId ? names.filter((name) => isByEmail(name, about)) : [];
  if (told.length > 0) {
    writes.push(countByEmail(told.length)(withNames({ emailId, hour: hourOf(at), teamId }, told)));
  }
  if (provider !== undefined && names.length > 0) {
    writes.push(countByProvider(names.length)(withNames({ provider, hour: hourOf(at), teamId }, names)));
  }
  const counted = tags && tagsCounted(tags);
  const outcomes = counted?.length ? names.filter((name) => !notByEmail.has(name)) : [];
  if (outcomes.length > 0) {
    const hour = hourOf(at).getTime();
    writes.push(rawWrite(countByTag, [teamId, hour, JSON.stringify(counted), JSON.stringify(outcomes)]));
  }
  return writes;
}

const countByTag = `
  insert into tag_counters (team_id, name, hour, value, event, total)
  select ?1, t.value ->> 0, ?2, t.value ->> 1, e.value, 1 from json_each(?3) t, json_each(?4) e where true
  on conflict (team_id, name, hour, value, event) do update set total = total + 1`;

/** An outcome is written down in a few rows, whatever an email carries. */
const mostTags = 10;
/** Tags of our own mark single emails. */
const ownTag = "mailit_";

/** Once by each name, so that what a name's values come to is recipients. */
function tagsCounted(tags: NonNullable<About["tags"]>): [name: string, value: string][] {
  const found = new Map<string, string>();
  for (const { name, value } of tags) {
    if (found.size === mostTags) break;
    if (!found.has(name) && !name.startsWith(ownTag)) found.set(name, value);
  }
  return [...found];
}

const hourOf = (at: Date): Date => new Date(at.getTime() - (at.getTime() % hourMs));

function withNames(values: Record<string, unknown>, names: CounterName[]): Record<string, unknown> {
  for (let n = 0; n < names.length; n++) values[`name${n}`] = names[n];
  return values;
}

/** What events are counted as. `email.sent` is another name of `email.delivered` (D10) and not counted again. */
function namesOf(types: EventType[], { counts = [], data }: About): CounterName[] {
  const names: CounterName[] = [];
  for (const type of types) if (type !== "email.sent") names.push(nameOf(type, data));
  if (types.includes("email.bounced")) names.push(bounceName(data?.bounce));
  names.push(...counts);
  return names;
}

/** An open or click that a machine made is no person's. */
function nameOf(type: EventType, data: About["data"]): CounterName {
  const isOfMachine = data?.is_bot === true && (type === "email.opened" || type === "email.clicked");
  return isOfMachine ? `${type}_machine` : type;
}

/** By the type a bounce tells of itself, in the contract's words. */
function bounceName(bounce: unknown): CounterName {
  const type = (bounce as { type?: unknown } | undefined)?.type;
  if (type === "Permanent") return "email.bounced_permanent";
  return type === "Transient" ? "email.bounced_transient" : "email.bounced_undetermined";
}
