/** What is kept of one person, stretch by stretch of the tables. What is found is theirs: SQL's candidates are judged. */
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { inSlice, type Slice } from "./slices.ts";
import type { Trace } from "./trace.ts";

/** One delivery to them, with what one must know of its email. */
export interface SentTo {
  id: string;
  emailId: string;
  recipient: string;
  isBroadcast: boolean;
  /** Whether the email went to somebody else too, who has not been erased. */
  isShared: boolean;
  hasJob: boolean;
}

export async function findSent(
  db: Db,
  teamId: string,
  trace: Trace,
  slice: Slice,
  nobody: string,
): Promise<SentTo[]> {
  const rows = await db.values<[string, string, string, number, number, number]>(
    sql`select d.id, d.email_id, d.recipient, e.broadcast_id is not null,
          exists (select 1 from deliveries o where o.email_id = d.email_id and o.id <> d.id and o.recipient <> ${nobody}),
          exists (select 1 from jobs j where j.id = d.id)
        from deliveries d cross join emails e on e.id = d.email_id
        where ${inSlice(sql`d.id`, slice)} and d.team_id = ${teamId} and ${trace.mayBe(sql`d.recipient`)}
        order by d.id`,
  );
  return rows
    .map(([id, emailId, recipient, isBroadcast, isShared, hasJob]) => ({
      ...{ id, emailId, recipient, isBroadcast: isBroadcast === 1, isShared: isShared === 1 },
      hasJob: hasJob === 1,
    }))
    .filter(({ recipient }) => trace.isTheirs(recipient));
}

/** Deliveries to them that wait for their turn. */
export async function findQueued(db: Db, teamId: string, trace: Trace, slice: Slice): Promise<string[]> {
  const rows = await db.values<[string, string]>(
    sql`select d.id, d.recipient from jobs j cross join deliveries d on d.id = j.id
        where ${inSlice(sql`j.id`, slice)} and j.node is null and d.team_id = ${teamId} and ${trace.mayBe(sql`d.recipient`)}`,
  );
  return rows.flatMap(([id, recipient]) => (trace.isTheirs(recipient) ? [id] : []));
}

/** Mail that they sent us, and reports about what we sent them. The plus keeps SQLite with the primary key. */
export async function findReceived(
  db: Db,
  teamId: string,
  trace: Trace,
  slice: Slice,
): Promise<{ id: string; kind: string }[]> {
  const rows = await db.values<[string, string, string, string, string | null]>(
    sql`select i.id, i.kind, i.mail_from, i.sender, d.recipient
        from inbound_emails i left join deliveries d on d.id = i.delivery_id
        where ${inSlice(sql`i.id`, slice)} and +i.team_id = ${teamId}
          and (${trace.mayBe(sql`i.mail_from`)} or ${trace.mayName(sql`i.sender`)} or ${trace.mayBe(sql`ifnull(d.recipient, '')`)})
        order by i.id`,
  );
  return rows.flatMap(([id, kind, ...addresses]) =>
    addresses.some((each) => each !== null && trace.isTheirs(each)) ? [{ id, kind }] : [],
  );
}

/** Whether something in the slice, that was there when one began, has yet to be read. */
export async function hasUnread(db: Db, teamId: string, slice: Slice, before: string): Promise<boolean> {
  const rows = await db.values(
    sql`select 1 from inbound_emails
        where ${inSlice(sql`id`, slice)} and id < ${before} and +team_id = ${teamId} and kind = 'unread' limit 1`,
  );
  return rows.length > 0;
}

export interface EventOn {
  id: string;
  type: string;
  createdAt: Date;
  emailId: string | null;
  recipient: string | null;
  data: string;
  /** Whether it is about them; else it is somebody else's and names them. */
  isTheirs: boolean;
}

export async function findEvents(db: Db, teamId: string, trace: Trace, slice: Slice): Promise<EventOn[]> {
  const rows = await db.values<[string, string, number, string | null, string | null, string]>(
    sql`select id, type, created_at, email_id, recipient, data from events
        where ${inSlice(sql`id`, slice)} and team_id = ${teamId}
          and (${trace.mayBe(sql`ifnull(recipient, '')`)} or ${trace.mayName(sql`data`)})
        order by id`,
  );
  return rows.flatMap(([id, type, at, emailId, recipient, data]) => {
    const isTheirs = isAbout(trace, recipient, data);
    return isTheirs || trace.isNamedIn(data)
      ? [{ id, type, createdAt: new Date(at), emailId, recipient, data, isTheirs }]
      : [];
  });
}

function isAbout(trace: Trace, recipient: string | null, data: string): boolean {
  const { email, from } = JSON.parse(data) as { email?: unknown; from?: unknown };
  return [recipient, email, from].some((each) => typeof each === "string" && trace.isTheirs(each));
}

export interface Request {
  id: string;
  method: string;
  path: string;
  createdAt: Date;
}

/** Requests of the API that name them. */
export async function findRequests(db: Db, teamId: string, trace: Trace, slice: Slice): Promise<Request[]> {
  const named = (column: SQL) => trace.mayName(column);
  const rows = await db.values<[string, string, string, number, string | null, string | null]>(
    sql`select id, method, path, created_at, request_body, response_body from logs
        where team_id = ${teamId} and ${inSlice(sql`id`, slice)}
          and (${trace.mayNameEncoded(sql`path`)} or ${named(sql`request_body`)} or ${named(sql`response_body`)})
        order by id`,
  );
  return rows.flatMap(([id, method, path, at, asked, answered]) =>
    trace.isNamedInPath(path) || trace.isNamedIn(asked) || trace.isNamedIn(answered)
      ? [{ id, method, path, createdAt: new Date(at) }]
      : [],
  );
}

export interface ImportError {
  line: number;
  message: string;
}

export async function nextImport(db: Db, teamId: string, after: string): Promise<string | undefined> {
  const rows = await db.values<[string]>(
    sql`select id from contact_imports where team_id = ${teamId} and id > ${after} order by id limit 1`,
  );
  return rows[0]?.[0];
}

/** Whether a file from before a time is still being worked on. */
export async function isImporting(db: Db, teamId: string, since: Date): Promise<boolean> {
  const rows = await db.values(
    sql`select 1 from contact_imports
        where team_id = ${teamId} and completed_at is null and created_at <= ${since.getTime()} limit 1`,
  );
  return rows.length > 0;
}

/** Rows of a file that could not be taken and name them. */
export async function findImportErrors(db: Db, importId: string, trace: Trace): Promise<ImportError[]> {
  const rows = await db.values<[number, string]>(
    sql`select line, message from contact_import_errors
        where import_id = ${importId} and ${trace.mayName(sql`message`)} order by line`,
  );
  return rows.flatMap(([line, message]) => (trace.isNamedIn(message) ? [{ line, message }] : []));
}

/** The last thousand messages of a sandbox. */
export async function findSandboxMessages(db: Db, teamId: string, trace: Trace): Promise<string[]> {
  const rows = await db.values<[string, string]>(
    sql`select id, rcpt_to from sandbox_messages where team_id = ${teamId} and ${trace.mayBe(sql`rcpt_to`)}`,
  );
  return rows.flatMap(([id, address]) => (trace.isTheirs(address) ? [id] : []));
}
