import { and, eq, gt, gte, isNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { preparedRead } from "../db/read.ts";
import { type Suppression, type SuppressionReason, suppressions } from "./schema.ts";

const { placeholder } = sql;

/** What is over is as if it had never been, until `forgetSuppressions` comes by. */
const lastsBeyond = (now: Date): SQL | undefined =>
  or(isNull(suppressions.expiresAt), gt(suppressions.expiresAt, now));

const lasts = sql`(${suppressions.expiresAt} is null or ${suppressions.expiresAt} > ${placeholder("now")})`;

export async function findSuppression(
  db: Db,
  teamId: string,
  address: string,
  now: Date,
): Promise<Suppression | undefined> {
  return suppressionQuery(db).get({ teamId, address, now: now.getTime() });
}

export async function hasSuppressions(db: Db, teamId: string): Promise<boolean> {
  const row = await db
    .select({ id: suppressions.id })
    .from(suppressions)
    .where(eq(suppressions.teamId, teamId))
    .limit(1)
    .get();
  return row !== undefined;
}

// Every accepted email asks one of these two.
const suppressionQuery = preparedRead((db) =>
  db
    .select()
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, placeholder("teamId")),
        eq(suppressions.address, placeholder("address")),
        lasts,
      ),
    )
    .prepare(),
);

/** Which of the addresses a team no longer sends to, and why. Addresses are `recipientKey`s. */
export async function listSuppressed(
  db: Db,
  teamId: string,
  addresses: string[],
  now: Date,
): Promise<Pick<Suppression, "address" | "reason">[]> {
  if (addresses.length === 1) {
    // Almost every email: a plain look at the index costs a third of unpacking a list.
    const found = await findSuppression(db, teamId, addresses[0]!, now);
    return found ? [found] : [];
  }
  return suppressedQuery(db).all({ teamId, addresses: JSON.stringify(addresses), now: now.getTime() });
}

const suppressedQuery = preparedRead((db) =>
  db
    .select({ address: suppressions.address, reason: suppressions.reason })
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, placeholder("teamId")),
        sql`${suppressions.address} in (select value from json_each(${placeholder("addresses")}))`,
        lasts,
      ),
    )
    .prepare(),
);

/** Those of the ids, or of the addresses, that are a team's suppressions. */
export async function listByKeys(
  db: Db,
  teamId: string,
  by: "id" | "address",
  keys: string[],
  now: Date,
): Promise<Suppression[]> {
  return db
    .select()
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, teamId),
        sql`${suppressions[by]} in (select value from json_each(${JSON.stringify(keys)}))`,
        lastsBeyond(now),
      ),
    );
}

/** One page and one row more, newest first. */
export async function listSuppressions(
  db: Db,
  teamId: string,
  reason: SuppressionReason | undefined,
  page: Keyset,
  now: Date,
): Promise<Suppression[]> {
  const ofReason = reason && eq(suppressions.reason, reason);
  const { where, orderBy, limit } = pageOf(
    suppressions.id,
    and(eq(suppressions.teamId, teamId), ofReason, lastsBeyond(now)),
    page,
  );
  return newestFirst(await db.select().from(suppressions).where(where).orderBy(orderBy).limit(limit), page);
}

interface PrefixSlice {
  prefix: string;
  reasons?: SuppressionReason[];
  after?: string;
  end?: string;
  limit: number;
}

/** Those of a team whose addresses begin so, in the order of the alphabet, behind `after`. */
export async function listByPrefix(
  db: Db,
  teamId: string,
  { prefix, reasons, after, end, limit }: PrefixSlice,
  now: Date,
): Promise<Suppression[]> {
  return db
    .select()
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, teamId),
        after === undefined ? gte(suppressions.address, prefix) : gt(suppressions.address, after),
        // No text is greater that begins so: this is the last character there is.
        lt(suppressions.address, `${prefix}\u{10ffff}`),
        // The unary plus keeps the index by reason out: what is looked for by is the address.
        reasons && sql`+${suppressions.reason} in ${reasons}`,
        end === undefined ? undefined : lte(suppressions.address, end),
        lastsBeyond(now),
      ),
    )
    .orderBy(suppressions.address)
    .limit(limit);
}

/** The address at which a look at so many of a team's rows behind `after` ends; undefined where there are fewer. */
export async function endOfPrefix(
  db: Db,
  teamId: string,
  { prefix, after, rows }: { prefix: string; after?: string; rows: number },
): Promise<string | undefined> {
  const row = await db
    .select({ address: suppressions.address })
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, teamId),
        after === undefined ? gte(suppressions.address, prefix) : gt(suppressions.address, after),
        lt(suppressions.address, `${prefix}\u{10ffff}`),
      ),
    )
    .orderBy(suppressions.address)
    .limit(1)
    .offset(rows - 1)
    .get();
  return row?.address;
}

/** Some that are over, of whichever team, those that ended first. */
export async function listExpired(
  db: Db,
  now: Date,
  limit: number,
): Promise<Pick<Suppression, "id" | "teamId">[]> {
  return db
    .select({ id: suppressions.id, teamId: suppressions.teamId })
    .from(suppressions)
    .where(sql`${suppressions.expiresAt} <= ${now.getTime()}`)
    .orderBy(suppressions.expiresAt)
    .limit(limit);
}
