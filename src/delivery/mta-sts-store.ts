import { eq, lte, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { preparedRead } from "../db/read.ts";
import { type MtaStsPolicy, mtaStsPolicies } from "./schema.ts";

const policyQuery = preparedRead((db) =>
  db
    .select()
    .from(mtaStsPolicies)
    .where(eq(mtaStsPolicies.domain, sql.placeholder("domain")))
    .prepare(),
);

/** A domain's policy, expired or not. */
export async function findPolicy(db: Db, domain: string): Promise<MtaStsPolicy | undefined> {
  return policyQuery(db).get({ domain });
}

export const upsertPolicy = (db: Db, row: MtaStsPolicy) => {
  const { domain, ...policy } = row;
  return db
    .insert(mtaStsPolicies)
    .values(row)
    .onConflictDoUpdate({ target: mtaStsPolicies.domain, set: policy });
};

export const deleteExpiredPolicies = (db: Db, now: Date) =>
  db.delete(mtaStsPolicies).where(lte(mtaStsPolicies.expiresAt, now));
