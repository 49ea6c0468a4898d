import { and, asc, desc, eq, gt, gte, lt, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { findPlace, type Numbers, type Place } from "../db/page.ts";
import type { SqlValue } from "../db/transport.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { leastIdAt } from "../ids.ts";
import { type Log, logs } from "./schema.ts";

/** Rows of one statement: each is a crossing into SQLite, and over libSQL a part of a message. */
const rowsTogether = 25;
const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const head = `insert into logs (team_id, id, key_id, method, path, status, duration_ms, user_agent, address, request_body,
  response_body, created_at) values `;
const insertOne = head + row;
const insertTogether = head + Array(rowsTogether).fill(row).join(", ");

/** Given as text: a builder would cost more than the write, for every request of the API. */
export function insertLogs(rows: readonly Log[]): Write[] {
  const writes: Write[] = [];
  let at = 0;
  for (; at + rowsTogether <= rows.length; at += rowsTogether) {
    writes.push(rawWrite(insertTogether, rows.slice(at, at + rowsTogether).flatMap(valuesOf)));
  }
  for (; at < rows.length; at++) writes.push(rawWrite(insertOne, valuesOf(rows[at]!)));
  return writes;
}

const valuesOf = (log: Log): SqlValue[] => [
  log.teamId,
  log.id,
  log.keyId,
  log.method,
  log.path,
  log.status,
  log.durationMs,
  log.userAgent,
  log.address,
  log.requestBody,
  log.responseBody,
  log.createdAt.getTime(),
];

export async function findLog(db: Db, teamId: string, id: string): Promise<Log | undefined> {
  return db
    .select()
    .from(logs)
    .where(and(eq(logs.teamId, teamId), eq(logs.id, id)))
    .get();
}

/** Which logs of a team; what is absent does not matter. */
export interface LogFilter {
  method?: string;
  status?: StatusRange;
  /** The whole path, or with `*` at its end how it begins. */
  path?: string;
  keyId?: string;
  /** Made at this time or later. */
  from?: Date;
  /** Made before this time. */
  to?: Date;
}

/** Statuses from `least` on, below `end`. */
export interface StatusRange {
  least: number;
  end: number;
}

/** From which status on an index knows the logs, so that the successes between need not be read. */
export const leastIndexedStatus = 400;

/** Logs from a cursor on, without it: upwards from `before`, else downwards; and as far as `end`, with it. */
export interface LogSlice {
  after?: string;
  before?: string;
  end?: string;
}

/** As expressions, since Drizzle takes columns only from a table and `sourceOf` may give one with its index. */
const listed = {
  id: sql`${logs.id}`.mapWith(logs.id),
  keyId: sql<string | null>`${logs.keyId}`,
  method: sql`${logs.method}`.mapWith(logs.method),
  path: sql`${logs.path}`.mapWith(logs.path),
  status: sql`${logs.status}`.mapWith(logs.status),
  durationMs: sql`${logs.durationMs}`.mapWith(logs.durationMs),
  userAgent: sql<string | null>`${logs.userAgent}`,
  address: sql<string | null>`${logs.address}`,
  createdAt: sql`${logs.createdAt}`.mapWith(logs.createdAt),
};
export type ListedLog = Pick<Log, keyof typeof listed>;

/** What a filter leaves of a slice, without bodies, in the order it is walked. */
export async function listLogs(
  db: Db,
  teamId: string,
  filter: LogFilter,
  slice: LogSlice,
  most: number,
): Promise<ListedLog[]> {
  return db
    .select(listed)
    .from(sourceOf(filter))
    .where(and(inSlice(teamId, filter, slice), matching(filter)))
    .orderBy(orderOf(slice))
    .limit(most);
}

/** The log that ends the next `rows` logs, whatever a filter without an index says to them; undefined when fewer are left. */
export async function endOfSlice(
  db: Db,
  teamId: string,
  filter: LogFilter,
  slice: LogSlice,
  rows: number,
): Promise<string | undefined> {
  const row = await db
    .select({ id: listed.id })
    .from(sourceOf(filter))
    .where(inSlice(teamId, filter, slice))
    .orderBy(orderOf(slice))
    .limit(1)
    .offset(rows - 1)
    .get();
  return row?.id;
}

const orderOf = ({ before }: LogSlice) => (before === undefined ? desc(logs.id) : asc(logs.id));

const isRefused = ({ status }: LogFilter) => status !== undefined && status.least >= leastIndexedStatus;

/** Left to itself SQLite prefers the primary key, though that has all the successes in between. */
const sourceOf = (filter: LogFilter) => (isRefused(filter) ? sql`${logs} indexed by logs_refused` : logs);

/** What an index answers: team, time, and whether it was refused. */
function inSlice(teamId: string, filter: LogFilter, { after, before, end }: LogSlice): SQL | undefined {
  const from = filter.from && leastIdAt(filter.from);
  const to = filter.to && leastIdAt(filter.to);
  // One bound on each side: of two SQLite seeks with one, and would read all the rows between them to apply the other.
  const isUp = before !== undefined;
  const lower = greatest(from, isUp ? before : end);
  const upper = least(to, isUp ? end : after);
  return and(
    eq(logs.teamId, teamId),
    lower === undefined ? undefined : isUp ? gt(logs.id, lower) : gte(logs.id, lower),
    upper === undefined ? undefined : isUp ? lte(logs.id, upper) : lt(logs.id, upper),
    // As text, not as a value: only then SQLite knows that the index on refused requests has them all.
    isRefused(filter) ? sql.raw(`logs.status >= ${leastIndexedStatus}`) : undefined,
  );
}

// Bounds on time are no ids that exist, so it does not matter which of them are counted in.
const greatest = (a: string | undefined, b: string | undefined) => (!a || (b && b > a) ? b : a);
const least = (a: string | undefined, b: string | undefined) => (!a || (b && b < a) ? b : a);

function matching({ method, status, path, keyId }: LogFilter): SQL | undefined {
  const start = path?.endsWith("*") ? path.slice(0, -1) : undefined;
  return and(
    method === undefined ? undefined : eq(logs.method, method),
    status && and(gte(logs.status, status.least), lt(logs.status, status.end)),
    start === undefined ? undefined : sql`substr(${logs.path}, 1, length(${start})) = ${start}`,
    path === undefined || start !== undefined ? undefined : eq(logs.path, path),
    keyId === undefined ? undefined : eq(logs.keyId, keyId),
  );
}

/** The first team after another that has logs. */
export async function nextTeamWithLogs(db: Db, after: string): Promise<string | undefined> {
  const row = await db
    .select({ teamId: logs.teamId })
    .from(logs)
    .where(gt(logs.teamId, after))
    .orderBy(logs.teamId)
    .limit(1)
    .get();
  return row?.teamId;
}

/** Removes the oldest logs of a team among those made before a time, `most` of them. */
export const deleteLogs = (teamId: string, before: Date, most: number): Write =>
  rawWrite(
    `delete from logs where team_id = ?1 and id in
      (select id from logs where team_id = ?1 and id < ?2 order by id limit ?3)`,
    [teamId, leastIdAt(before), most],
  );

/** In all of a team's logs. */
export const findLogPlace = (db: Db, teamId: string, numbers: Numbers): Promise<Place> =>
  findPlace(db, logs.id, eq(logs.teamId, teamId), numbers);
