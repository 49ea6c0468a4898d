/**
 * Putting suppressions on the list and taking them off, many at a time, each with its event. Whether a row is new, or
 * still there, is decided in SQL, so that an event is recorded exactly when a row comes or goes.
 */
import type { App } from "../app.ts";
import type { StatementResult } from "../db/transport.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { recordSelected } from "../events/record-selected.ts";
import { newId } from "../ids.ts";
import { teamsWithAny } from "./memory.ts";
import type { Suppression } from "./schema.ts";

export type NewSuppression = Omit<Suppression, "id" | "teamId">;

/** What webhooks tell of a suppression; clients know three origins, and an unsubscribe comes nearest to "manual". */
const told = `json_object(
  'id', s.id, 'email', s.address, 'origin', iif(s.reason = 'unsubscribe', 'manual', s.reason),
  'source_id', s.source_id,
  'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', s.created_at / 1000.0, 'unixepoch'))`;

const sameAddress = "s.team_id = ?2 and s.address = json_extract(e.value, '$.address')";
const sameId = "s.id = json_extract(e.value, '$.id') and s.team_id = ?2";

/** The events of the listed rows; a cross join keeps SQLite from starting anywhere but at the list. */
const eventsOf = (on: string, eventId: string) =>
  `select json_extract(e.value, '$.${eventId}') as id, s.address as recipient, ${told} as data
   from json_each(?1) e cross join suppressions s on ${on}`;

const expiredEvents = eventsOf(`${sameAddress} and s.expires_at <= ?4`, "removedId");
const addedEvents = eventsOf(sameId, "addedId");

const deleteExpired = `
  delete from suppressions
  where team_id = ?2 and address in (select json_extract(value, '$.address') from json_each(?1)) and expires_at <= ?3`;

// The first reason stays: it is the one to act on. What is added again lasts as long as the longer of the two: a
// complaint must not be forgotten because the address was, at that time, put aside for a week.
const insert = `
  insert into suppressions (id, team_id, address, reason, source_id, expires_at, created_at)
  select json_extract(value, '$.id'), ?2, json_extract(value, '$.address'), json_extract(value, '$.reason'),
    json_extract(value, '$.sourceId'), json_extract(value, '$.expiresAt'), json_extract(value, '$.createdAt')
  from json_each(?1) where true
  on conflict (team_id, address) do update set expires_at = excluded.expires_at
  where suppressions.expires_at is not null
    and (excluded.expires_at is null or excluded.expires_at > suppressions.expires_at)`;

/** Adds what is not there yet; what has expired makes room. Of two with one address the first counts. */
export function addAll(app: App, teamId: string, rows: NewSuppression[]): Write[] {
  teamsWithAny.forget(app); // what is read from now on may see them
  const byAddress = new Map<string, NewSuppression>();
  for (const row of rows) if (!byAddress.has(row.address)) byAddress.set(row.address, row);
  const list = JSON.stringify(
    [...byAddress.values()].map((row) => ({
      ...row,
      id: newId(),
      expiresAt: row.expiresAt?.getTime() ?? null,
      createdAt: row.createdAt.getTime(),
      removedId: newId(),
      addedId: newId(),
    })),
  );
  return [
    ...recordSelected(app, { type: "suppression.removed", teamId, select: expiredEvents, list }),
    rawWrite(deleteExpired, [list, teamId, app.now().getTime()]),
    rawWrite(insert, [list, teamId]),
    ...recordSelected(app, { type: "suppression.added", teamId, select: addedEvents, list }),
  ];
}

/** How many of `addAll`'s rows were new, from the results of a batch that begins with its writes. */
export function countAdded(results: StatementResult[]): number {
  // Not the insert's own count: that has those as well whose end was only moved. Each new row has one event, written
  // by the fifth statement.
  return results[4]!.changes;
}

const conditions = {
  lasting: (now: string) => `(s.expires_at is null or s.expires_at > ${now})`,
  expired: (now: string) => `s.expires_at <= ${now}`,
};
const removedEvents = {
  lasting: eventsOf(`${sameId} and ${conditions.lasting("?4")}`, "removedId"),
  expired: eventsOf(`${sameId} and ${conditions.expired("?4")}`, "removedId"),
};
const deletion = (which: keyof typeof conditions) => `
  delete from suppressions as s
  where s.id in (select json_extract(value, '$.id') from json_each(?1)) and s.team_id = ?2
    and ${conditions[which]("?3")}`;
const deletions = { lasting: deletion("lasting"), expired: deletion("expired") };

/** Removes those of a team's suppressions that are still there, and still lasting or expired; the last write does it. */
export function removeAll(app: App, teamId: string, ids: string[], which: keyof typeof conditions): Write[] {
  const list = JSON.stringify(ids.map((id) => ({ id, removedId: newId() })));
  return [
    ...recordSelected(app, {
      type: "suppression.removed",
      teamId,
      select: removedEvents[which],
      list,
    }),
    rawWrite(deletions[which], [list, teamId, app.now().getTime()]),
  ];
}
