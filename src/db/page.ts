import { and, asc, count, desc, gt, lt, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "./open.ts";

/** Which part of a list, by id: ids are UUIDv7, so their order is the order of making. */
export interface Keyset {
  limit: number | undefined;
  after?: string;
  before?: string;
}

/** The condition, order and limit of one page, one row more than asked for so that the caller sees whether more follow. */
export function pageOf(id: SQLiteColumn, condition: SQL | undefined, { limit, after, before }: Keyset) {
  return {
    where: and(condition, after ? lt(id, after) : undefined, before ? gt(id, before) : undefined),
    // Just newer than `before` means counting upwards from it; `newestFirst` turns the rows round again.
    orderBy: before ? asc(id) : desc(id),
    limit: limit === undefined ? -1 : limit + 1,
  };
}

/** Rows of a page in the order lists are shown. */
export function newestFirst<Row>(rows: Row[], { before }: Keyset): Row[] {
  return before ? rows.reverse() : rows;
}

/** Which page of a list, by its number from 1. */
export interface Numbers {
  page: number;
  perPage: number;
}

/** How far lists are counted: both that and a page by its number cost the more, the further they go. */
export const furthestNumbered = 10_000;

/** Where the page of a number is in a list, newest first. */
export interface Place {
  /** How many rows the list has, counted to 10,000. */
  total: number;
  /** What the page holds; absent where it is behind the end. */
  keyset?: Keyset & { limit: number };
}

export async function findPlace(
  db: Db,
  id: SQLiteColumn,
  condition: SQL | undefined,
  { page, perPage }: Numbers,
): Promise<Place> {
  const total = await countUpTo(db, id, condition, furthestNumbered);
  const passed = (page - 1) * perPage;
  if (passed === 0) return { total, keyset: { limit: perPage } };
  if (passed >= total) return { total };
  const before = await idAt(db, id, condition, passed);
  return before === undefined ? { total } : { total, keyset: { limit: perPage, after: before } };
}

/** The id of the row at a place from 1, newest first. */
export async function idAt(
  db: Db,
  id: SQLiteColumn,
  condition: SQL | undefined,
  place: number,
): Promise<string | undefined> {
  const row = await db
    .select({ id })
    .from(id.table)
    .where(condition)
    .orderBy(desc(id))
    .limit(1)
    .offset(place - 1)
    .get();
  return row && String(row.id);
}

/** How many rows there are, or `most` where there are more. */
export async function countUpTo(
  db: Db,
  id: SQLiteColumn,
  condition: SQL | undefined,
  most: number,
): Promise<number> {
  const counted = db.select({ id }).from(id.table).where(condition).limit(most).as("counted");
  const row = await db.select({ total: count() }).from(counted).get();
  return row?.total ?? 0;
}
