import { and, eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import type { Write } from "../db/write.ts";
import { type Suppression, suppressions } from "./schema.ts";

const { placeholder } = sql;

export async function findSuppression(
  db: Db,
  teamId: string,
  address: string,
): Promise<Suppression | undefined> {
  return suppressionQuery(db).get({ teamId, address });
}

// Every accepted email asks one of these two.
const suppressionQuery = preparedRead((db) =>
  db
    .select()
    .from(suppressions)
    .where(
      and(eq(suppressions.teamId, placeholder("teamId")), eq(suppressions.address, placeholder("address"))),
    )
    .prepare(),
);

/** Which of the addresses a team no longer sends to. Addresses are `recipientKey`s. */
export async function listSuppressed(db: Db, teamId: string, addresses: string[]): Promise<string[]> {
  if (addresses.length === 1) {
    // Almost every email: a plain look at the index costs a third of unpacking a list.
    return (await findSuppression(db, teamId, addresses[0]!)) ? addresses : [];
  }
  const rows = await suppressedQuery(db).all({ teamId, addresses: JSON.stringify(addresses) });
  return rows.map(({ address }) => address);
}

const suppressedQuery = preparedRead((db) =>
  db
    .select({ address: suppressions.address })
    .from(suppressions)
    .where(
      and(
        eq(suppressions.teamId, placeholder("teamId")),
        sql`${suppressions.address} in (select value from json_each(${placeholder("addresses")}))`,
      ),
    )
    .prepare(),
);

/** The first reason stays: it is the one to act on. */
export const insertSuppression = (db: Db, row: Suppression): Write =>
  db.insert(suppressions).values(row).onConflictDoNothing();
