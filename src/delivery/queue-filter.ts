import { type SQL, sql } from "drizzle-orm";
import { deliver } from "../emails/jobs.ts";
import { laneOf } from "../jobs/job.ts";
import { pausedUntil } from "../jobs/pause.ts";

/** What a waiting delivery waits for, as an operator sees it; each is in exactly one of these. */
export const waitingStates = ["queued", "deferred", "scheduled", "held"] as const;
export type WaitingState = (typeof waitingStates)[number];

/** Which of the deliveries that wait; one that has all of these. */
export interface QueueFilter {
  /** One delivery, by its id. */
  deliveryId?: string;
  /** A lane's name, without the kind of work. */
  lane?: string;
  /** The recipient's domain, ASCII and lower-case. */
  domain?: string;
  state?: WaitingState;
  /** Of the email: `name` or `name:value`. */
  tag?: string;
  olderThanMs?: number;
  newerThanMs?: number;
  teamId?: string;
}

/** Whether a filter leaves nothing out of a team's, or the server's, queue. */
export function isEverything({ teamId: _, ...rest }: QueueFilter): boolean {
  return Object.values(rest).every((value) => value === undefined);
}

/** A lane's name in the table; operators may write it with or without the kind of work. */
export function fullLane(name: string): string {
  return laneOf(deliver, shortLane(name.trim()));
}

/** A lane's name as operators see it: the domain, or the best host of a site. */
export function shortLane(lane: string): string {
  const prefix = `${deliver.name}/`;
  return lane.startsWith(prefix) ? lane.slice(prefix.length) : lane;
}

/** An operator's words as statuses, tables and logs can show them. */
export function oneLine(text: string | undefined): string {
  return (text ?? "")
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .slice(0, 500);
}

/** Which of its states a row of `jobs j`, `deliveries d` and `emails e` is in. */
export const stateAt = (now: Date): SQL<WaitingState> => sql`case
  when j.run_at >= ${pausedUntil.getTime()} then 'held'
  when d.state = 'deferred' then 'deferred'
  when j.run_at > ${now.getTime()} and e.scheduled_at > ${now.getTime()} then 'scheduled'
  else 'queued' end`;

/** The condition on such a row; which part of the table is looked at is not its business. */
export function matches(filter: QueueFilter, now: Date): SQL {
  const { deliveryId, domain, state, tag, teamId, olderThanMs, newerThanMs } = filter;
  const conditions = [sql`j.kind = ${deliver.name} and d.state in ('queued', 'deferred')`];
  if (deliveryId !== undefined) conditions.push(sql`j.id = ${deliveryId}`);
  if (teamId !== undefined) conditions.push(sql`d.team_id = ${teamId}`);
  if (domain !== undefined) conditions.push(sql`d.domain = ${domain}`);
  if (state !== undefined) conditions.push(sql`${stateAt(now)} = ${state}`);
  if (tag !== undefined) conditions.push(hasTag(tag));
  if (olderThanMs !== undefined) conditions.push(sql`j.id < ${firstIdAt(before(now, olderThanMs))}`);
  if (newerThanMs !== undefined) conditions.push(sql`j.id > ${firstIdAt(before(now, newerThanMs))}`);
  return sql.join(conditions, sql` and `);
}

/** Where the ids made at a time begin, as text: a UUIDv7 starts with its milliseconds (RFC 9562 §5.7). */
export function firstIdAt(at: Date): string {
  const hex = Math.max(0, at.getTime()).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-`;
}

export const before = (now: Date, ms: number): Date => new Date(now.getTime() - ms);

// Neither names nor values of tags may hold a colon, so the first one ends the name.
function hasTag(tag: string): SQL {
  const [name, ...rest] = tag.split(":");
  const value = rest.length > 0 ? rest.join(":") : undefined;
  return sql`exists (select 1 from json_each(e.tags) t where t.value ->> 'name' = ${name}${
    value === undefined ? sql`` : sql` and t.value ->> 'value' = ${value}`
  })`;
}
