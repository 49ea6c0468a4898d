/** Tables are walked by their primary keys: nobody pays for an index by address but who is asked about a person. */
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";

/** Looked at by one statement: some milliseconds, in which no other request is answered. */
export const rowsPerSlice = 2_000;

/** The rows behind one id, up to another and with it. */
export interface Slice {
  after: string;
  to: string;
}

/** A table, and the condition under which its key goes on from one id to the next; where there is none, all of it. */
export interface Walked {
  table: SQL;
  where?: SQL;
}

export const walked = {
  jobs: { table: sql`jobs` },
  deliveries: { table: sql`deliveries` },
  emails: { table: sql`emails` },
  events: { table: sql`events` },
  inbound: { table: sql`inbound_emails` },
} satisfies Record<string, Walked>;

export const logsOf = (teamId: string): Walked => ({ table: sql`logs`, where: sql`team_id = ${teamId} and` });

/** The next so many rows; undefined where none are left. */
export async function nextSlice(
  db: Db,
  { table, where = sql`` }: Walked,
  after: string,
): Promise<Slice | undefined> {
  const [row] = await db.values<[string | null]>(
    sql`select max(id) from (select id from ${table} where ${where} id > ${after} order by id limit ${rowsPerSlice})`,
  );
  const to = row?.[0] ?? null;
  return to === null ? undefined : { after, to };
}

export const inSlice = (id: SQL, { after, to }: Slice): SQL => sql`${id} > ${after} and ${id} <= ${to}`;
