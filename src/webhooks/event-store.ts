import { and, asc, desc, eq, getTableColumns, gt, gte, lt, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { idAt, type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { preparedRead } from "../db/read.ts";
import { preparedWrite, rawWrite, type Write } from "../db/write.ts";
import { type Email, emails } from "../emails/schema.ts";
import { type Event, events } from "../events/schema.ts";
import { type InboundBody, inboundBodies, inboundEmails } from "../inbound/schema.ts";
import { jobs } from "../jobs/schema.ts";
import {
  type Webhook,
  type WebhookAttempt,
  type WebhookEvent,
  type WebhookEventStatus,
  webhookAttempts,
  webhookEvents,
  webhooks,
} from "./schema.ts";

const { placeholder } = sql;

/** The job of one event for one endpoint. */
const jobOf = sql`${jobs.id} = ${webhookEvents.webhookId} || '/' || ${webhookEvents.id}`;

/** An event to be told, with all that its call needs. `event` is null once it is no longer kept. */
export interface DueCall {
  told: WebhookEvent;
  webhook: Webhook;
  event: Event | null;
  email: Email | null;
}

const dueCallQuery = preparedRead((db) =>
  db
    .select({ told: webhookEvents, webhook: webhooks, event: events, email: emails })
    .from(webhookEvents)
    .innerJoin(webhooks, eq(webhooks.id, webhookEvents.webhookId))
    .leftJoin(events, eq(events.id, webhookEvents.eventId))
    .leftJoin(emails, eq(emails.id, events.emailId))
    .where(
      and(eq(webhookEvents.webhookId, placeholder("webhookId")), eq(webhookEvents.id, placeholder("id"))),
    )
    .prepare(),
);

export async function findDueCall(db: Db, webhookId: string, id: string): Promise<DueCall | undefined> {
  return dueCallQuery(db).get({ webhookId, id });
}

/** What a received email says, where it is still kept. */
export async function findInboundBody(
  db: Db,
  teamId: string,
  inboundId: string,
): Promise<InboundBody | undefined> {
  return db
    .select(getTableColumns(inboundBodies))
    .from(inboundBodies)
    .innerJoin(inboundEmails, eq(inboundEmails.id, inboundBodies.inboundId))
    .where(and(eq(inboundBodies.inboundId, inboundId), eq(inboundEmails.teamId, teamId)))
    .get();
}

/** How large the message was that it came as; 0 when it is no longer there. */
export async function findInboundSize(db: Db, teamId: string, inboundId: string): Promise<number> {
  const row = await db
    .select({ size: inboundEmails.size })
    .from(inboundEmails)
    .where(and(eq(inboundEmails.id, inboundId), eq(inboundEmails.teamId, teamId)))
    .get();
  return row?.size ?? 0;
}

export const insertAttempt = preparedWrite<WebhookAttempt>((db) =>
  db.insert(webhookAttempts).values({
    webhookId: placeholder("webhookId"),
    messageId: placeholder("messageId"),
    id: placeholder("id"),
    httpStatus: placeholder("httpStatus"),
    response: placeholder("response"),
    error: placeholder("error"),
    durationMs: placeholder("durationMs"),
    createdAt: placeholder("createdAt"),
  }),
);

/**
 * Writes down what a call came to; not of an event that was settled otherwise meanwhile, nor that a call failed where the
 * event was replayed while it was under way: that begins the plan anew.
 */
export const settleEvent = preparedWrite<
  Pick<WebhookEvent, "webhookId" | "id" | "status" | "tries"> & { wasTries: number }
>((db) =>
  db
    .update(webhookEvents)
    .set({ status: sql`${placeholder("status")}`, tries: sql`${placeholder("tries")}` })
    .where(
      and(
        eq(webhookEvents.webhookId, placeholder("webhookId")),
        eq(webhookEvents.id, placeholder("id")),
        eq(webhookEvents.status, "pending"),
        sql`(${placeholder("status")} = 'success' or ${webhookEvents.tries} = ${placeholder("wasTries")})`,
      ),
    ),
);

/** An event of an endpoint, with its job where it waits or is under way. */
export interface ListedEvent extends WebhookEvent {
  /** Null when nothing is to come. */
  nextAttemptAt: Date | null;
  isUnderWay: boolean;
}

const listed = {
  ...getTableColumns(webhookEvents),
  runAt: jobs.runAt,
  node: jobs.node,
};
type ListedRow = WebhookEvent & { runAt: Date | null; node: string | null };

function toListed({ runAt, node, ...event }: ListedRow): ListedEvent {
  return { ...event, nextAttemptAt: node === null ? runAt : null, isUnderWay: node !== null };
}

/** One page and one row more, newest first. */
export async function listEvents(db: Db, webhookId: string, page: Keyset): Promise<ListedEvent[]> {
  const { where, orderBy, limit } = pageOf(webhookEvents.id, eq(webhookEvents.webhookId, webhookId), page);
  const rows = await db
    .select(listed)
    .from(webhookEvents)
    .leftJoin(jobs, jobOf)
    .where(where)
    .orderBy(orderBy)
    .limit(limit);
  return newestFirst(rows.map(toListed), page);
}

/** The id at which a look at so many events below `after` ends; undefined where there are fewer. */
export const endOfEvents = (
  db: Db,
  webhookId: string,
  after: string | undefined,
  rows: number,
): Promise<string | undefined> => {
  const below = after ? lt(webhookEvents.id, after) : undefined;
  return idAt(db, webhookEvents.id, and(eq(webhookEvents.webhookId, webhookId), below), rows);
};

/** Those with a status, newest first, below `after` and not below `end`. */
export async function listEventsWithin(
  db: Db,
  webhookId: string,
  { status, after, end, limit }: EventsWithin,
): Promise<ListedEvent[]> {
  const rows = await db
    .select(listed)
    .from(webhookEvents)
    .leftJoin(jobs, jobOf)
    .where(
      and(
        eq(webhookEvents.webhookId, webhookId),
        after ? lt(webhookEvents.id, after) : undefined,
        end ? gte(webhookEvents.id, end) : undefined,
        status && eq(webhookEvents.status, status),
      ),
    )
    .orderBy(desc(webhookEvents.id))
    .limit(limit);
  return rows.map(toListed);
}

export interface EventsWithin {
  status?: WebhookEventStatus;
  after?: string;
  end?: string;
  limit: number;
}

/** The newest of an endpoint's last events that was taken; what is older than those is not looked at. */
export async function findLastTaken(
  db: Db,
  webhookId: string,
  among: number,
): Promise<WebhookEvent | undefined> {
  const latest = db
    .select()
    .from(webhookEvents)
    .where(eq(webhookEvents.webhookId, webhookId))
    .orderBy(desc(webhookEvents.id))
    .limit(among)
    .as("latest");
  return db.select().from(latest).where(eq(latest.status, "success")).limit(1).get();
}

export async function findEvent(db: Db, webhookId: string, id: string): Promise<ListedEvent | undefined> {
  const row = await db
    .select(listed)
    .from(webhookEvents)
    .leftJoin(jobs, jobOf)
    .where(and(eq(webhookEvents.webhookId, webhookId), eq(webhookEvents.id, id)))
    .get();
  return row && toListed(row);
}

/** What endpoints of a team were told of one event. */
export interface ToldEndpoint extends Pick<WebhookEvent, "webhookId" | "id" | "name" | "status" | "tries"> {
  endpoint: string;
}

export async function listToldEndpoints(db: Db, teamId: string, messageId: string): Promise<ToldEndpoint[]> {
  const { webhookId, id, name, status, tries } = webhookEvents;
  return db
    .select({ webhookId, id, name, status, tries, endpoint: webhooks.endpoint })
    .from(webhooks)
    .innerJoin(webhookEvents, and(eq(webhookId, webhooks.id), eq(id, messageId)))
    .where(eq(webhooks.teamId, teamId))
    .orderBy(webhooks.id);
}

/** One page and one row more, newest first. */
export async function listAttempts(
  db: Db,
  webhookId: string,
  messageId: string,
  page: Keyset,
): Promise<WebhookAttempt[]> {
  const ofEvent = and(eq(webhookAttempts.webhookId, webhookId), eq(webhookAttempts.messageId, messageId));
  const { where, orderBy, limit } = pageOf(webhookAttempts.id, ofEvent, page);
  return newestFirst(
    await db.select().from(webhookAttempts).where(where).orderBy(orderBy).limit(limit),
    page,
  );
}

/** Some of an endpoint's events, oldest first, between two ids. */
export async function listSlice(
  db: Db,
  webhookId: string,
  { after, end, limit }: { after: string; end: string; limit: number },
): Promise<WebhookEvent[]> {
  return db
    .select()
    .from(webhookEvents)
    .where(
      and(eq(webhookEvents.webhookId, webhookId), gt(webhookEvents.id, after), lt(webhookEvents.id, end)),
    )
    .orderBy(asc(webhookEvents.id))
    .limit(limit);
}

/**
 * The events are told again, from the first call of a plan on; at once, also where one waits for its next call. One that
 * is under way goes on as it is, and is called again should that fail. What is not kept any more can't be told. To be
 * followed by touching the lane.
 */
export const replayEvents = (webhookId: string, ids: string[], now: Date): Write[] => {
  const update = `update webhook_events set status = 'pending', tries = 0
    where webhook_id = ?1 and id in (select value from json_each(?2))
      and exists (select 1 from events where events.id = webhook_events.event_id)`;
  return [rawWrite(update, [webhookId, JSON.stringify(ids)]), callPending(webhookId, ids, now)];
};

/** Has those of the events called at once that wait to be told. */
export const callPending = (webhookId: string, ids: string[], now: Date): Write =>
  rawWrite(
    `insert into jobs (id, kind, lane, payload, run_at, attempts, fence, created_at)
     select e.webhook_id || '/' || e.id, 'webhook', 'webhook/' || e.webhook_id,
       json_object('webhookId', e.webhook_id, 'id', e.id,
         'emailId', (select email_id from events where id = e.event_id)), ?3, 0, 0, ?3
     from json_each(?2) wanted cross join webhook_events e on e.webhook_id = ?1 and e.id = wanted.value
     where e.status = 'pending'
     on conflict (id) do update set run_at = excluded.run_at where node is null`,
    [webhookId, JSON.stringify(ids), now.getTime()],
  );

/** Takes the next waiting jobs of an endpoint out of the queue; gives the ids of their events. */
export async function listWaiting(db: Db, lane: string, limit: number): Promise<string[]> {
  const rows = await db.values<[string]>(
    sql`select id from jobs where lane = ${lane} and node is null order by run_at limit ${limit}`,
  );
  return rows.map(([id]) => id.slice(id.indexOf("/") + 1));
}

/** Removes jobs that nobody holds, and has their events wait for a replay. */
export const dropWaiting = (webhookId: string, ids: string[]): Write[] => {
  const list = JSON.stringify(ids);
  return [
    rawWrite(
      `delete from jobs where node is null
         and id in (select ?1 || '/' || value from json_each(?2))`,
      [webhookId, list],
    ),
    rawWrite(
      `update webhook_events set status = 'failed'
       where webhook_id = ?1 and id in (select value from json_each(?2)) and status = 'pending'
         and not exists (select 1 from jobs where jobs.id = webhook_events.webhook_id || '/' || webhook_events.id)`,
      [webhookId, list],
    ),
  ];
};

/** The first endpoint after one, by id, that has events; also one that is no longer there. */
export async function nextWebhookWithEvents(db: Db, after: string): Promise<string | undefined> {
  const row = await db
    .select({ webhookId: webhookEvents.webhookId })
    .from(webhookEvents)
    .where(gt(webhookEvents.webhookId, after))
    .orderBy(asc(webhookEvents.webhookId))
    .limit(1)
    .get();
  return row?.webhookId;
}

/** Removes an endpoint's oldest events below an id, with their attempts, as long as nothing is to come of them. */
export const deleteEvents = (webhookId: string, below: string, limit: number): Write[] => {
  const oldest = `
    select id from webhook_events where webhook_id = ?1 and id < ?2
      and not exists (select 1 from jobs where jobs.id = webhook_events.webhook_id || '/' || webhook_events.id)
    order by id limit ?3`;
  const params = [webhookId, below, limit];
  return [
    rawWrite(`delete from webhook_attempts where webhook_id = ?1 and message_id in (${oldest})`, params),
    rawWrite(`delete from webhook_events where webhook_id = ?1 and id in (${oldest})`, params),
  ];
};
