import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";

/** An email that is old enough for its content to be removed, if it has come to its end. */
export interface Past {
  id: string;
  contentId: string;
  isBroadcast: boolean;
  /** Nothing of it is left to be sent, and has not been for as long as content is kept; not known of a broadcast. */
  isSettled: boolean;
}

const past = (before: Date) => sql`
  e.id, e.content_id, e.broadcast_id is not null, e.broadcast_id is null and not exists (
    select 1 from deliveries d
    where d.email_id = e.id and (d.state in ('queued', 'deferred') or d.settled_at > ${before.getTime()}))`;

type PastRow = [id: string, contentId: string, isBroadcast: number, isSettled: number];

const toPast = ([id, contentId, isBroadcast, isSettled]: PastRow): Past => ({
  ...{ id, contentId, isBroadcast: isBroadcast === 1, isSettled: isSettled === 1 },
});

/** The next emails behind one, of all teams, in the order of their ids. */
export async function listPast(
  db: Db,
  { after, end, limit }: { after: string; end: string; limit: number },
  before: Date,
): Promise<Past[]> {
  const rows = await db.values<PastRow>(
    sql`select ${past(before)} from emails e
        where e.id > ${after} and e.id < ${end} order by e.id limit ${limit}`,
  );
  return rows.map(toPast);
}

/** The next of those that were passed over. */
export async function listKept(
  db: Db,
  { after, limit }: { after: string; limit: number },
  before: Date,
): Promise<Past[]> {
  const rows = await db.values<PastRow>(
    sql`select ${past(before)} from kept_contents k cross join emails e on e.id = k.email_id
        where k.email_id > ${after} order by k.email_id limit ${limit}`,
  );
  return rows.map(toPast);
}

/** Looked at by one statement, of the deliveries of a broadcast. */
const deliveriesAtOnce = 2_000;

/** Whether a broadcast has been given to all its recipients, and none of them has been tried since a time. */
export async function isBroadcastEnded(db: Db, emailId: string, before: Date): Promise<boolean> {
  const [broadcast] = await db.values<[number]>(
    sql`select b.status in ('sent', 'canceled') and b.cursor = '~'
        from emails e cross join broadcasts b on b.id = e.broadcast_id where e.id = ${emailId}`,
  );
  if (broadcast?.[0] === 0) return false;
  for (let after = ""; ; ) {
    const [row] = await db.values<[string | null, number, number | null]>(
      sql`select max(id), count(*), max(state in ('queued', 'deferred') or settled_at > ${before.getTime()}) from (
            select id, state, settled_at from deliveries
            where email_id = ${emailId} and id > ${after} order by id limit ${deliveriesAtOnce})`,
    );
    const [last, count, isLate] = row!;
    if (isLate === 1) return false;
    if (last === null || count < deliveriesAtOnce) return true;
    after = last;
    await setImmediate();
  }
}

/** Forgets what was filled in for each recipient of a broadcast; may be begun again. */
export async function forgetMergeValues(app: App, emailId: string): Promise<void> {
  for (let after = ""; ; ) {
    const rows = await app.db.values<[string]>(
      sql`select id from deliveries where email_id = ${emailId} and id > ${after}
          order by id limit ${deliveriesAtOnce}`,
    );
    const ids = rows.map(([id]) => id);
    if (ids.length > 0) {
      await atomically(app, [
        rawWrite(`update deliveries set merge_values = null where id ${among} and merge_values is not null`, [
          JSON.stringify(ids),
        ]),
      ]);
    }
    if (ids.length < deliveriesAtOnce) return;
    after = ids.at(-1)!;
    await setImmediate();
  }
}

const among = "in (select value from json_each(?1))";
const idsOf = (rows: Past[]) => JSON.stringify(rows.map(({ id }) => id));

/** Removes files, messages and fills of emails, and says so with them; blobs that lose a name are written down. */
export function removeContent(rows: Past[], now: Date): Write[] {
  if (rows.length === 0) return [];
  const ids = idsOf(rows);
  const unnamed = "insert into unnamed_blobs (hash, since) select blob_hash, ?2 from";
  return [
    rawWrite(`${unnamed} attachments where email_id ${among} on conflict do nothing`, [ids, now.getTime()]),
    rawWrite(
      `${unnamed} email_sources where email_id ${among} and blob_hash is not null on conflict do nothing`,
      [ids, now.getTime()],
    ),
    rawWrite(`delete from attachments where email_id ${among}`, [ids]),
    rawWrite(`delete from email_sources where email_id ${among}`, [ids]),
    // That it was made from a template is no content.
    rawWrite(
      `update emails set content_removed_at = ?2, merge = iif(merge is null, null, '{"values":{}}')
       where id ${among} and content_removed_at is null`,
      [ids, now.getTime()],
    ),
  ];
}

/** Has emails asked about again. */
export const keepContents = (rows: Past[]): Write[] =>
  rows.length === 0
    ? []
    : [
        rawWrite(
          `insert into kept_contents (email_id, content_id)
           select value ->> 0, value ->> 1 from json_each(?1) where true on conflict do nothing`,
          [JSON.stringify(rows.map(({ id, contentId }) => [id, contentId]))],
        ),
      ];

export const forgetKept = (rows: Past[]): Write[] =>
  rows.length === 0 ? [] : [rawWrite(`delete from kept_contents where email_id ${among}`, [idsOf(rows)])];

const isNobodys = "not exists (select 1 from kept_contents k where k.content_id = contents.id)";

/** Empties bodies that the walk through them has passed by because of these emails, which have them no more. */
export const emptyFreed = (rows: Past[], walk: string): Write[] =>
  rows.length === 0
    ? []
    : [
        rawWrite(
          `update contents set html = null, text = null
           where id ${among} and id <= (select cursor from walks where name = ?2) and ${isNobodys}`,
          [JSON.stringify(rows.map(({ contentId }) => contentId)), walk],
        ),
      ];

/** The last body of so many behind one; undefined where there is none. */
export async function endOfContents(
  db: Db,
  { after, end, limit }: { after: string; end: string; limit: number },
): Promise<string | undefined> {
  const [row] = await db.values<[string | null]>(
    sql`select max(id) from (
          select id from contents where id > ${after} and id < ${end} order by id limit ${limit})`,
  );
  return row?.[0] ?? undefined;
}

/**
 * Empties the bodies behind one, up to another, but those of emails that were passed over. The rows stay: to remove one,
 * SQLite would look through all emails for it.
 */
export const emptyContents = (after: string, to: string): Write =>
  rawWrite(
    `update contents set html = null, text = null
     where id > ? and id <= ? and (html is not null or text is not null) and ${isNobodys}`,
    [after, to],
  );
