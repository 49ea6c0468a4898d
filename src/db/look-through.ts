/** Lists one searches for a part of a text, which no index answers: newest first, so many rows at a time. */
import { and, gte, lt, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "./open.ts";
import { furthestNumbered, idAt, type Keyset } from "./page.ts";

/** How many rows one answer looks at: it takes some milliseconds, and says where to go on. */
export const lookedAtAtOnce = 2_000;
const longestSearch = 200;

export interface Found<Row> {
  rows: Row[];
  /** The cursor from which to look on; undefined where all has been looked at. There may be fewer rows than asked for. */
  next: string | undefined;
}

/** What is searched for; empty where everything is wanted. */
export const searchText = (text: string | undefined): string => (text ?? "").trim().slice(0, longestSearch);

/** That one of the columns has the text in it; capitals of ASCII don't matter. */
export function holdsText(text: string, columns: readonly SQLiteColumn[]): SQL {
  const all = sql.join(
    columns.map((column) => sql`ifnull(${column}, '')`),
    sql` || char(10) || `,
  );
  return sql`instr(lower(${all}), lower(${text})) > 0`;
}

/** Those rows of the next so many that are `wanted`; `list` lists a page of what a condition leaves. */
export async function lookThrough<Row extends { id: string }>(
  db: Db,
  id: SQLiteColumn,
  { all, wanted }: { all: SQL | undefined; wanted: SQL | undefined },
  { limit, after }: Keyset & { limit: number },
  list: (condition: SQL | undefined) => Promise<Row[]>,
): Promise<Found<Row>> {
  const behind = after === undefined ? all : and(all, lt(id, after));
  const end = await idAt(db, id, behind, lookedAtAtOnce);
  const rows = await list(and(all, end === undefined ? undefined : gte(id, end), wanted));
  if (rows.length <= limit) return { rows, next: end };
  return { rows: rows.slice(0, limit), next: rows[limit - 1]!.id };
}

/** The condition of such a list that is counted and paged by numbers: among the rows that those lead to. */
export async function amongNewest(
  db: Db,
  id: SQLiteColumn,
  { all, wanted }: { all: SQL | undefined; wanted: SQL | undefined },
): Promise<SQL | undefined> {
  const end = await idAt(db, id, all, furthestNumbered);
  return and(all, end === undefined ? undefined : gte(id, end), wanted);
}
