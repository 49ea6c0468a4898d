import { setImmediate } from "node:timers/promises";
import { and, eq, getTableColumns, inArray, type SQL, sql } from "drizzle-orm";
import { amongNewest, type Found, holdsText, lookThrough } from "../db/look-through.ts";
import type { Db } from "../db/open.ts";
import { findPlace, type Keyset, type Numbers, newestFirst, type Place, pageOf } from "../db/page.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { emailCounters } from "../events/schema.ts";
import { pausedUntil } from "../jobs/pause.ts";
import type { Pace } from "./pace.ts";
import { type Broadcast, type BroadcastStatus, broadcasts, heldNote } from "./schema.ts";

export const insertBroadcast = (db: Db, row: Broadcast): Write => db.insert(broadcasts).values(row);

export async function findBroadcast(db: Db, teamId: string, id: string): Promise<Broadcast | undefined> {
  return db
    .select()
    .from(broadcasts)
    .where(and(eq(broadcasts.id, id), eq(broadcasts.teamId, teamId)))
    .get();
}

/** For its own jobs alone: whose it is was asked when they were made. */
export async function findBroadcastById(db: Db, id: string): Promise<Broadcast | undefined> {
  return db.select().from(broadcasts).where(eq(broadcasts.id, id)).get();
}

export type ListedBroadcast = Omit<Broadcast, "html" | "text">;

export async function findListedBroadcast(
  db: Db,
  teamId: string,
  id: string,
): Promise<ListedBroadcast | undefined> {
  const { html: _html, text: _text, ...listed } = getTableColumns(broadcasts);
  return db
    .select(listed)
    .from(broadcasts)
    .where(and(eq(broadcasts.id, id), eq(broadcasts.teamId, teamId)))
    .get();
}

/** Which broadcasts of a team are looked for; all where it says nothing. */
export interface BroadcastsWanted {
  statuses?: readonly BroadcastStatus[];
  /** In name or subject; empty: whatever they say. */
  text: string;
}

/** One page and one row more, newest first; with a text, among those that pages with numbers lead to. */
export async function listBroadcasts(
  db: Db,
  teamId: string,
  wanted: BroadcastsWanted,
  keyset: Keyset,
): Promise<ListedBroadcast[]> {
  return listWhere(db, await listedBy(db, teamId, wanted), keyset);
}

/** Those with the text among the next so many. */
export const searchBroadcasts = (
  db: Db,
  teamId: string,
  wanted: BroadcastsWanted,
  page: Keyset & { limit: number },
): Promise<Found<ListedBroadcast>> =>
  lookThrough(db, broadcasts.id, ofTeam(teamId, wanted), page, (condition) => listWhere(db, condition, page));

/** Where the page of a number is in that list. */
export const findBroadcastPlace = async (
  db: Db,
  teamId: string,
  wanted: BroadcastsWanted,
  numbers: Numbers,
): Promise<Place> => findPlace(db, broadcasts.id, await listedBy(db, teamId, wanted), numbers);

/** Lists carry no bodies. */
async function listWhere(db: Db, condition: SQL | undefined, keyset: Keyset): Promise<ListedBroadcast[]> {
  const { html: _html, text: _text, ...listed } = getTableColumns(broadcasts);
  const { where, orderBy, limit } = pageOf(broadcasts.id, condition, keyset);
  return newestFirst(
    await db.select(listed).from(broadcasts).where(where).orderBy(orderBy).limit(limit),
    keyset,
  );
}

const ofTeam = (teamId: string, { statuses, text }: BroadcastsWanted) => ({
  all: eq(broadcasts.teamId, teamId),
  wanted: and(
    statuses && inArray(broadcasts.status, [...statuses]),
    text === "" ? undefined : holdsText(text, [broadcasts.name, broadcasts.subject]),
  ),
});

async function listedBy(db: Db, teamId: string, wish: BroadcastsWanted): Promise<SQL | undefined> {
  const { all, wanted } = ofTeam(teamId, wish);
  return wish.text === "" ? and(all, wanted) : amongNewest(db, broadcasts.id, { all, wanted });
}

export async function listBroadcastNames(
  db: Db,
  teamId: string,
  ids: string[],
): Promise<Map<string, string>> {
  const rows = await db.values<[string, string]>(
    sql`select id, name from broadcasts
        where id in (select value from json_each(${JSON.stringify(ids)})) and team_id = ${teamId}`,
  );
  return new Map(rows);
}

/** Changes a broadcast only in one of these states; to be followed by `expectChange`. */
export const changeIn = (
  db: Db,
  { teamId, id }: Pick<Broadcast, "teamId" | "id">,
  states: BroadcastStatus[],
  changes: Partial<Broadcast>,
  /** Where it was last changed at that time alone. */
  asOf?: Date,
): Write =>
  db
    .update(broadcasts)
    .set(changes)
    .where(
      and(
        eq(broadcasts.id, id),
        eq(broadcasts.teamId, teamId),
        inArray(broadcasts.status, states),
        asOf && eq(broadcasts.updatedAt, asOf),
      ),
    );

export const deleteDraft = (db: Db, { teamId, id }: Pick<Broadcast, "teamId" | "id">): Write =>
  db
    .delete(broadcasts)
    .where(and(eq(broadcasts.id, id), eq(broadcasts.teamId, teamId), eq(broadcasts.status, "draft")));

/**
 * Changes a broadcast as its conductor saw it; to be followed by `expectChange`, which fails where there is a newer one:
 * whoever pauses, resumes or cancels a broadcast makes one.
 */
export const conducted = (
  db: Db,
  seen: Pick<Broadcast, "id" | "conductor" | "status">,
  changes: Partial<Broadcast>,
): Write =>
  db
    .update(broadcasts)
    .set(changes)
    .where(
      and(
        eq(broadcasts.id, seen.id),
        eq(broadcasts.conductor, seen.conductor!),
        eq(broadcasts.status, seen.status),
      ),
    );

/** The same for a step through the audience: only from where it was seen. */
export const moveCursor = (
  seen: Broadcast,
  {
    cursor,
    recipients,
    unsubscribed,
    suppressed,
    pace,
  }: { cursor: string; pace: Pace } & Record<"recipients" | "unsubscribed" | "suppressed", number>,
): Write =>
  rawWrite(
    `update broadcasts set cursor = ?, recipients = recipients + ?,
       skipped_unsubscribed = skipped_unsubscribed + ?, skipped_suppressed = skipped_suppressed + ?,
       paced_at = ?, paced = ?
     where id = ? and conductor = ? and status = ? and cursor = ?`,
    [
      ...[cursor, recipients, unsubscribed, suppressed, pace.pacedAt.getTime(), pace.paced],
      ...[seen.id, seen.conductor, seen.status, seen.cursor],
    ],
  );

/** What a broadcast writes for one contact. */
export interface NewRecipient {
  id: string;
  contactId: string;
  address: string;
  domain: string;
  values: Record<string, string | number | boolean>;
  state: "queued" | "suppressed" | "canceled";
  /** Null: nothing is sent. */
  plannedAt: Date | null;
}

/**
 * Whoever was removed and made again, by a node whose clock is late, comes a second time: the first delivery counts, the
 * job of the second finds none, and the broadcast goes on.
 */
export const insertRecipients = (
  { teamId, emailId }: { teamId: string; emailId: string },
  rows: NewRecipient[],
  now: Date,
): Write =>
  rawWrite(
    `insert into deliveries (id, team_id, email_id, recipient, domain, state, attempts,
       next_attempt_at, settled_at, created_at, contact_id, merge_values)
     select value ->> 0, ?2, ?3, value ->> 2, value ->> 3, value ->> 6, 0,
       value ->> 5, iif(value ->> 5 is null, ?4, null), coalesce(value ->> 5, ?4), value ->> 1, value -> 4
     from json_each(?1) where true on conflict (email_id, recipient) where contact_id is not null do nothing`,
    [
      JSON.stringify(
        rows.map(({ id, contactId, address, domain, values, state, plannedAt }) => [
          ...[id, contactId, address, domain, values],
          ...[plannedAt?.getTime() ?? null, state],
        ]),
      ),
      ...[teamId, emailId, now.getTime()],
    ],
  );

/** One delivery of a broadcast whose jobs are moved. */
export interface ToSteer {
  id: string;
  /** Where its job waits; null: nobody waits, or somebody has it. */
  lane: string | null;
  /** Whether it is still to have its turn, as far as its broadcast says. */
  awaitsTurn: boolean;
}

/** Deliveries of a broadcast behind one of them, in their order. What an operator holds has no turn. */
export async function listToSteer(db: Db, emailId: string, after: string, limit: number): Promise<ToSteer[]> {
  const rows = await db.values<[string, string | null, number]>(
    sql`select d.id, j.lane, d.state = 'queued' and
          (j.id is null or j.run_at < ${pausedUntil.getTime()} or j.last_error is ${heldNote})
        from deliveries d left join jobs j on j.id = d.id and j.node is null
        where d.email_id = ${emailId} and d.id > ${after} order by d.id limit ${limit}`,
  );
  return rows.map(([id, lane, awaitsTurn]) => ({ id, lane, awaitsTurn: awaitsTurn === 1 }));
}

/** The sending domain of a broadcast's email, by which events are counted. */
export async function findDomainOf(db: Db, emailId: string): Promise<string | null> {
  const [row] = await db.values<[string | null]>(sql`select domain_id from emails where id = ${emailId}`);
  return row?.[0] ?? null;
}

/** Looked at by one statement: a million of one in a row would keep everybody else waiting. */
const deliveriesAtOnce = 2_000;

/** The first delivery, from one of them on, that has not had its first attempt. */
export async function findUntried(
  db: Db,
  emailId: string,
  from: string,
  atOnce = deliveriesAtOnce,
): Promise<string | undefined> {
  for (let at = from; ; ) {
    const [row] = await db.values<[string | null, string | null, number]>(
      sql`select min(iif(state = 'queued', id, null)), max(id), count(*) from (
            select id, state from deliveries where email_id = ${emailId} and id >= ${at} order by id limit ${atOnce})`,
    );
    const [untried, last, count] = row!;
    if (untried !== null) return untried;
    if (last === null || count < atOnce) return undefined;
    at = last;
    await setImmediate();
  }
}

/** When a delivery has its turn, or had it. */
export async function findTurn(db: Db, deliveryId: string): Promise<Date | undefined> {
  const [row] = await db.values<[number | null]>(
    sql`select next_attempt_at from deliveries where id = ${deliveryId}`,
  );
  return row?.[0] == null ? undefined : new Date(row[0]);
}

/** How often each thing happened to a broadcast's recipients. */
export async function countOutcomes(db: Db, emailId: string): Promise<Map<string, number>> {
  const rows = await db
    .select({ event: emailCounters.event, total: emailCounters.total })
    .from(emailCounters)
    .where(eq(emailCounters.emailId, emailId));
  const totals = new Map<string, number>();
  for (const { event, total } of rows) totals.set(event, (totals.get(event) ?? 0) + total);
  return totals;
}

const among = "id in (select value from json_each(?1))";

/** Puts off the jobs of a paused broadcast that nobody holds; those an operator holds stay as they are. */
export const holdJobs = (ids: string[], until: Date, note: string): Write =>
  rawWrite(`update jobs set run_at = ?2, last_error = ?3 where ${among} and node is null and run_at < ?2`, [
    JSON.stringify(ids),
    until.getTime(),
    note,
  ]);

/** Gives deliveries their turns, and the jobs that nobody holds; those of a paused broadcast are to be released before. */
export const giveTurns = (turns: ReadonlyMap<string, Date>): Write[] => {
  const given = JSON.stringify(Array.from(turns, ([id, at]) => [id, at.getTime()]));
  const turn = "(select value ->> 0 as id, value ->> 1 as at from json_each(?1)) as turn";
  return [
    rawWrite(
      `update deliveries set next_attempt_at = turn.at from ${turn}
       where deliveries.id = turn.id and state = 'queued'`,
      [given],
    ),
    rawWrite(
      `update jobs set run_at = turn.at, last_error = null from ${turn}
       where jobs.id = turn.id and node is null and run_at < ?2`,
      [given, pausedUntil.getTime()],
    ),
  ];
};

/** Makes them due again, each at the time it had. */
export const releaseJobs = (ids: string[], now: Date, note: string): Write => ({
  ...rawWrite(
    `update jobs set last_error = null,
       run_at = max(?2, coalesce((select next_attempt_at from deliveries where deliveries.id = jobs.id), 0))
     where ${among} and node is null and last_error = ?3`,
    [JSON.stringify(ids), now.getTime(), note],
  ),
  dueAt: now,
});

/**
 * The time in which a broadcast was paused is not time that its deliveries have had: what was held counts as due from now
 * on. Comes before `releaseJobs`, which forgets what was.
 */
export const forgiveWait = (ids: string[], now: Date): Write =>
  rawWrite(
    `update deliveries set next_attempt_at = ?2
     where ${among} and state in ('queued', 'deferred') and next_attempt_at < ?2
       and exists (select 1 from jobs j where j.id = deliveries.id and j.last_error = ?3)`,
    [JSON.stringify(ids), now.getTime(), heldNote],
  );

/** Of a delivery `d`: it has not settled, and nobody holds its job. */
export const isWaiting =
  "d.state in ('queued', 'deferred') and exists (select 1 from jobs j where j.id = d.id and j.node is null)";

/** Removes the jobs that nobody holds, and ends their deliveries. */
export const dropJobs = (ids: string[], said: string, now: Date): Write[] => [
  rawWrite(`delete from jobs where ${among} and node is null`, [JSON.stringify(ids)]),
  rawWrite(
    `update deliveries set state = 'canceled', last_reply = ?2, next_attempt_at = null, settled_at = ?3
     where ${among} and state in ('queued', 'deferred')
       and not exists (select 1 from jobs where jobs.id = deliveries.id)`,
    [JSON.stringify(ids), said, now.getTime()],
  ),
];
