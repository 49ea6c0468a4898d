import { and, asc, desc, gt, lt, type SQL } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";

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
