import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { countUpTo, type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { preparedWrite } from "../db/write.ts";
import { type ApiKey, apiKeys } from "./schema.ts";

export async function findKeyByHash(db: Db, tokenHash: string): Promise<ApiKey | undefined> {
  return db.select().from(apiKeys).where(eq(apiKeys.tokenHash, tokenHash)).get();
}

/** One page and one row more, newest first. */
export async function listKeys(db: Db, teamId: string, page: Keyset): Promise<ApiKey[]> {
  const { where, orderBy, limit } = pageOf(apiKeys.id, eq(apiKeys.teamId, teamId), page);
  return newestFirst(await db.select().from(apiKeys).where(where).orderBy(orderBy).limit(limit), page);
}

export async function findKey(db: Db, teamId: string, id: string): Promise<ApiKey | undefined> {
  return db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.teamId, teamId), eq(apiKeys.id, id)))
    .get();
}

/** The keys that may send from one domain alone, the first so many; in no order. */
export async function listKeysOfDomain(
  db: Db,
  teamId: string,
  domainId: string,
  limit: number,
): Promise<ApiKey[]> {
  return db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.domainId, domainId), eq(apiKeys.teamId, teamId)))
    .limit(limit);
}

export async function hasFullAccessKey(db: Db, teamId: string): Promise<boolean> {
  const found = await db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(eq(apiKeys.teamId, teamId), eq(apiKeys.permission, "full_access")))
    .limit(1);
  return found.length > 0;
}

export const insertKey = (db: Db, row: ApiKey) => db.insert(apiKeys).values(row);

/** Stores the key only if its domain is one of its team's; asked here, since this room knows no domains. */
export const insertDomainKey = (db: Db, row: ApiKey & { domainId: string }) =>
  db.insert(apiKeys).select(sql`
    select ${row.id}, ${row.teamId}, ${row.name}, ${row.tokenHash}, ${row.tokenStart}, ${row.permission}, id,
      ${row.lastUsedAt?.getTime() ?? null}, ${row.createdAt.getTime()}, ${JSON.stringify(row.allowedIps)}
    from domains where id = ${row.domainId} and team_id = ${row.teamId}`);

export const updateKeyFields = (
  db: Db,
  teamId: string,
  id: string,
  fields: Partial<Pick<ApiKey, "name" | "allowedIps">>,
) =>
  db
    .update(apiKeys)
    .set(fields)
    .where(and(eq(apiKeys.teamId, teamId), eq(apiKeys.id, id)));

export const deleteKey = (db: Db, teamId: string, id: string) =>
  db.delete(apiKeys).where(and(eq(apiKeys.teamId, teamId), eq(apiKeys.id, id)));

/** Moves the last use forward only: another node may have seen a later one. */
export const updateLastUse = preparedWrite<{ id: string; at: number }>((db) =>
  db
    .update(apiKeys)
    .set({ lastUsedAt: sql`${sql.placeholder("at")}` })
    .where(
      and(
        eq(apiKeys.id, sql.placeholder("id")),
        or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql.placeholder("at"))),
      ),
    ),
);

/** How many a team has, or `most` where it has more. */
export const countKeys = (db: Db, teamId: string, most: number): Promise<number> =>
  countUpTo(db, apiKeys.id, eq(apiKeys.teamId, teamId), most);
