import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { type App, atomically } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";

/** An email that is old enough for its content to be removed, if it has come to its end. */
export interface Past {
  id: string;
  isBroadcast: boolean;
  /** Nothing of it is left to be sent, and has not been for as long as content is kept; not known of a broadcast. */
  isSettled: boolean;
}

const past = (before: Date) => sql`
  e.id, e.broadcast_id is not null, e.broadcast_id is null and not exists (
    select 1 from deliveries d
    where d.email_id = e.id and (d.state in ('queued', 'deferred') or d.settled_at > ${before.getTime()}))`;

type PastRow = [id: string, isBroadcast: number, isSettled: number];

const toPast = ([id, isBroadcast, isSettled]: PastRow): Past => ({
  ...{ id, isBroadcast: isBroadcast === 1, isSettled: isSettled === 1 },
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

/** Those of some emails whose content is removed by now. */
const gone = `in (
  select e.id from json_each(?1) asked cross join emails e on e.id = asked.value where e.content_removed_at is not null)`;

/** Of a body: an email is left that keeps it, were it one that no walk has come by. */
export const isKept = `exists (
  select 1 from emails e where e.content_id = contents.id and e.content_removed_at is null)`;

/**
 * Removes bodies, files, messages and fills of emails, and says so with them; blobs that lose a name are written down. An
 * email that is still to be sent to somebody stays whole, whatever was thought of it: its mail must not go out empty.
 * Rows of bodies stay: to remove one, SQLite would look through all emails for it.
 */
export function removeContent(rows: Past[], now: Date): Write[] {
  if (rows.length === 0) return [];
  const ids = idsOf(rows);
  const unnamed = "insert into unnamed_blobs (hash, since) select blob_hash, ?2 from";
  return [
    // A broadcast has too many deliveries to ask here: it is over, and nothing begins it again. That an email was made from a
    // template is no content.
    rawWrite(
      `update emails set content_removed_at = ?2, merge = iif(merge is null, null, '{"values":{}}')
       where id ${among} and content_removed_at is null and (broadcast_id is not null or not exists (
         select 1 from deliveries d where d.email_id = emails.id and d.state in ('queued', 'deferred')))`,
      [ids, now.getTime()],
    ),
    rawWrite(`${unnamed} attachments where email_id ${gone} on conflict do nothing`, [ids, now.getTime()]),
    rawWrite(
      `${unnamed} email_sources where email_id ${gone} and blob_hash is not null on conflict do nothing`,
      [ids, now.getTime()],
    ),
    rawWrite(`delete from attachments where email_id ${gone}`, [ids]),
    rawWrite(`delete from email_sources where email_id ${gone}`, [ids]),
    rawWrite(
      `update contents set html = null, text = null
       where id in (select content_id from emails where id ${among})
         and (html is not null or text is not null) and not ${isKept}`,
      [ids],
    ),
  ];
}

/** Has emails asked about again. */
export const keepContents = (rows: Past[]): Write[] =>
  rows.length === 0
    ? []
    : [
        rawWrite(
          "insert into kept_contents (email_id) select value from json_each(?1) where true on conflict do nothing",
          [idsOf(rows)],
        ),
      ];

export const forgetKept = (rows: Past[]): Write[] =>
  rows.length === 0 ? [] : [rawWrite(`delete from kept_contents where email_id ${gone}`, [idsOf(rows)])];
