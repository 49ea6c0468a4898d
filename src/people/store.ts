import { and, eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { isKept } from "../emails/retention-store.ts";
import { deleteWords } from "../emails/search-index.ts";
import { type Erasure, erasures } from "./schema.ts";
import { nobody, nobodysDomain } from "./trace.ts";

export const insertErasure = (db: Db, row: Erasure): Write => db.insert(erasures).values(row);

export async function findErasure(db: Db, teamId: string, id: string): Promise<Erasure | undefined> {
  return db
    .select()
    .from(erasures)
    .where(and(eq(erasures.teamId, teamId), eq(erasures.id, id)))
    .get();
}

/** For its own job alone. */
export async function findErasureById(db: Db, id: string): Promise<Erasure | undefined> {
  return db.select().from(erasures).where(eq(erasures.id, id)).get();
}

/** One page and one row more, newest first. */
export async function listErasures(db: Db, teamId: string, page: Keyset): Promise<Erasure[]> {
  const { where, orderBy, limit } = pageOf(erasures.id, eq(erasures.teamId, teamId), page);
  return newestFirst(await db.select().from(erasures).where(where).orderBy(orderBy).limit(limit), page);
}

/** Moves an erasure on from where it was seen; to be followed by `expectChange`. */
export const moveErasure = (
  db: Db,
  seen: Erasure,
  changes: Partial<Pick<Erasure, "stage" | "cursor" | "counts" | "address" | "completedAt">>,
): Write =>
  db
    .update(erasures)
    .set(changes)
    .where(and(eq(erasures.id, seen.id), eq(erasures.stage, seen.stage), eq(erasures.cursor, seen.cursor)));

const among = "in (select value from json_each(?1))";
const listOf = (ids: string[]) => JSON.stringify(ids);

/** Takes back what has not gone out. A delivery that is being attempted stays until that is over. */
export const cancelDeliveries = (ids: string[], now: Date): Write[] => [
  rawWrite(`delete from jobs where id ${among} and node is null`, [listOf(ids)]),
  rawWrite(
    `update deliveries set state = 'canceled', next_attempt_at = null, settled_at = ?2
     where id ${among} and state in ('queued', 'deferred')
       and not exists (select 1 from jobs where jobs.id = deliveries.id)`,
    [listOf(ids), now.getTime()],
  ),
];

/** Removes events, and what endpoints were to be told of them or were; the ids follow from the events'. */
export function deleteEvents(teamId: string, ids: string[]): Write[] {
  if (ids.length === 0) return [];
  const messages = listOf(
    ids.flatMap((id) => {
      const message = `msg_${id.replaceAll("-", "")}`;
      return [message, `${message}2`];
    }),
  );
  const ofTeam = "webhook_id in (select id from webhooks where team_id = ?2)";
  return [
    rawWrite(`delete from webhook_attempts where ${ofTeam} and message_id ${among}`, [messages, teamId]),
    rawWrite(`delete from webhook_events where ${ofTeam} and id ${among}`, [messages, teamId]),
    rawWrite(`delete from events where id ${among}`, [listOf(ids)]),
  ];
}

export const changeEventData = (id: string, data: string): Write =>
  rawWrite("update events set data = ? where id = ?", [data, id]);

export async function listEventIdsOf(db: Db, emailIds: string[]): Promise<string[]> {
  const rows = await db.values<[string]>(
    sql`select e.id from json_each(${listOf(emailIds)}) w cross join events e on e.email_id = w.value`,
  );
  return rows.map(([id]) => id);
}

/** Removes emails with all that belongs to them; their bodies are looked at later, since others may have the same. */
export const deleteEmails = (erasureId: string, ids: string[], now: Date): Write[] => [
  rawWrite(
    `insert into erased_contents (erasure_id, content_id, created_at)
     select ?2, c.id, c.created_at from emails e cross join contents c on c.id = e.content_id
     where e.id ${among} on conflict do nothing`,
    [listOf(ids), erasureId],
  ),
  rawWrite(
    `insert into unnamed_blobs (hash, since) select blob_hash, ?2 from attachments where email_id ${among}
     on conflict do nothing`,
    [listOf(ids), now.getTime()],
  ),
  rawWrite(
    `insert into unnamed_blobs (hash, since)
     select blob_hash, ?2 from email_sources where email_id ${among} and blob_hash is not null
     on conflict do nothing`,
    [listOf(ids), now.getTime()],
  ),
  rawWrite(`delete from email_counters where email_id ${among}`, [listOf(ids)]),
  ...ids.map(deleteWords),
  rawWrite(`delete from emails where id ${among}`, [listOf(ids)]),
];

/** Makes nobody of a delivery's recipient, and forgets how it went. */
export const forgetRecipients = (ids: string[]): Write[] => [
  rawWrite(`delete from attempts where delivery_id ${among}`, [listOf(ids)]),
  rawWrite(`delete from engagements where delivery_id ${among}`, [listOf(ids)]),
  rawWrite(
    `update deliveries set recipient = ?2, domain = ?3, last_reply = null, contact_id = null, merge_values = null
     where id ${among}`,
    [listOf(ids), nobody, nobodysDomain],
  ),
];

/** Empties bodies that no other email keeps. */
export const emptyContents = (erasureId: string): Write[] => [
  rawWrite(
    `delete from erased_contents where erasure_id = ?
     and exists (select 1 from contents where contents.id = content_id and ${isKept})`,
    [erasureId],
  ),
  rawWrite(
    "delete from links where content_id in (select content_id from erased_contents where erasure_id = ?)",
    [erasureId],
  ),
  rawWrite(
    "update contents set html = null, text = null where id in (select content_id from erased_contents where erasure_id = ?)",
    [erasureId],
  ),
  rawWrite("delete from erased_contents where erasure_id = ?", [erasureId]),
];

/** Removes received mail with all that belongs to it, and writes down the blobs that lose a name. */
export const deleteInbound = (ids: string[], now: Date): Write[] => [
  rawWrite(
    `insert into unnamed_blobs (hash, since)
     select blob_hash, ?2 from inbound_emails where id ${among} and blob_hash is not null
     on conflict do nothing`,
    [listOf(ids), now.getTime()],
  ),
  rawWrite(
    `insert into unnamed_blobs (hash, since)
     select blob_hash, ?2 from inbound_attachments where inbound_id ${among}
     on conflict do nothing`,
    [listOf(ids), now.getTime()],
  ),
  rawWrite(`delete from inbound_emails where id ${among}`, [listOf(ids)]),
];

export const deleteSandboxMessages = (ids: string[]): Write =>
  rawWrite(`delete from sandbox_messages where id ${among}`, [listOf(ids)]);

export const deleteLogs = (teamId: string, ids: string[]): Write =>
  rawWrite(`delete from logs where team_id = ?2 and id ${among}`, [listOf(ids), teamId]);

export const changeImportErrors = (importId: string, lines: number[], message: string): Write =>
  rawWrite(`update contact_import_errors set message = ?3 where import_id = ?2 and line ${among}`, [
    JSON.stringify(lines),
    importId,
    message,
  ]);
