import { and, eq, gt, gte, lt, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, pageOf } from "../db/page.ts";
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

/** Logs between a cursor and, where there is one, the log that ends the slice. */
export interface LogSlice extends Keyset {
  limit: number;
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

/** What a filter leaves of a slice, without bodies and from the cursor on: upwards for `before`, else downwards. */
export async function listLogs(
  db: Db,
  teamId: string,
  filter: LogFilter,
  slice: LogSlice,
): Promise<ListedLog[]> {
  const { end, before } = slice;
  const isInSlice = end === undefined ? undefined : before ? lte(logs.id, end) : gte(logs.id, end);
  const { where, orderBy, limit } = pageOf(logs.id, and(...conditionsOf(teamId, filter), isInSlice), slice);
  return db.select(listed).from(sourceOf(filter)).where(where).orderBy(orderBy).limit(limit);
}

/** The log that ends the next `rows` logs, whatever a filter without an index says to them; undefined when fewer are left. */
export async function endOfSlice(
  db: Db,
  teamId: string,
  filter: LogFilter,
  cursor: Keyset,
  rows: number,
): Promise<string | undefined> {
  const { where, orderBy } = pageOf(logs.id, and(...boundsOf(teamId, filter)), cursor);
  const row = await db
    .select({ id: listed.id })
    .from(sourceOf(filter))
    .where(where)
    .orderBy(orderBy)
    .limit(1)
    .offset(rows - 1)
    .get();
  return row?.id;
}

const isRefused = ({ status }: LogFilter) => status !== undefined && status.least >= leastIndexedStatus;

/** Left to itself SQLite prefers the primary key, though that has all the successes in between. */
const sourceOf = (filter: LogFilter) => (isRefused(filter) ? sql`${logs} indexed by logs_refused` : logs);

/** What an index answers: team, time, and whether it was refused. */
function boundsOf(teamId: string, filter: LogFilter): (SQL | undefined)[] {
  const { from, to } = filter;
  return [
    eq(logs.teamId, teamId),
    from && gte(logs.id, leastIdAt(from)),
    to && lt(logs.id, leastIdAt(to)),
    // As text, not as a value: only then SQLite knows that the index on refused requests has them all.
    isRefused(filter) ? sql.raw(`logs.status >= ${leastIndexedStatus}`) : undefined,
  ];
}

function conditionsOf(teamId: string, filter: LogFilter): (SQL | undefined)[] {
  const { method, status, path, keyId } = filter;
  const start = path?.endsWith("*") ? path.slice(0, -1) : undefined;
  return [
    ...boundsOf(teamId, filter),
    method === undefined ? undefined : eq(logs.method, method),
    status && and(gte(logs.status, status.least), lt(logs.status, status.end)),
    start === undefined ? undefined : sql`substr(${logs.path}, 1, ${start.length}) = ${start}`,
    path === undefined || start !== undefined ? undefined : eq(logs.path, path),
    keyId === undefined ? undefined : eq(logs.keyId, keyId),
  ];
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
