import { and, asc, eq, isNotNull, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Db } from "../db/open.ts";
import {
  countUpTo,
  findPlace,
  type Keyset,
  type Numbers,
  newestFirst,
  type Place,
  pageOf,
} from "../db/page.ts";
import {
  type DkimKeyRow,
  type Domain,
  type DomainCheck,
  type DomainVerdict,
  dkimKeys,
  domainChecks,
  domains,
} from "./schema.ts";

export async function findDomain(db: Db, teamId: string, id: string): Promise<Domain | undefined> {
  return db.select().from(domains).where(ofTeam(teamId, id)).get();
}

export async function findDomainById(db: Db, id: string): Promise<Domain | undefined> {
  return db.select().from(domains).where(eq(domains.id, id)).get();
}

/** Names are unique over all teams: one domain's mail has one owner. */
export async function findDomainByName(db: Db, name: string): Promise<Domain | undefined> {
  return db.select().from(domains).where(eq(domains.name, name)).get();
}

/** One page and one row more, newest first. */
export async function listDomainsOf(db: Db, teamId: string, page: Keyset): Promise<Domain[]> {
  const { where, orderBy, limit } = pageOf(domains.id, eq(domains.teamId, teamId), page);
  return newestFirst(await db.select().from(domains).where(where).orderBy(orderBy).limit(limit), page);
}

/** The team's oldest domains that may send now. */
export async function listFirstVerified(db: Db, teamId: string, limit: number): Promise<Domain[]> {
  return db
    .select()
    .from(domains)
    .where(and(eq(domains.teamId, teamId), eq(domains.sending, true), isNotNull(domains.verifiedAt)))
    .orderBy(asc(domains.id))
    .limit(limit);
}

export async function listKeys(db: Db, domainId: string): Promise<DkimKeyRow[]> {
  return db.select().from(dkimKeys).where(eq(dkimKeys.domainId, domainId)).orderBy(asc(dkimKeys.id));
}

export async function listChecks(db: Db, domainId: string): Promise<DomainCheck[]> {
  return db.select().from(domainChecks).where(eq(domainChecks.domainId, domainId));
}

/** Of many domains, in no order. */
export async function listKeysOfAll(db: Db, domainIds: string[]): Promise<DkimKeyRow[]> {
  return db.select().from(dkimKeys).where(isAmong(dkimKeys.domainId, domainIds));
}

/** Of many domains, in no order. */
export async function listChecksOfAll(db: Db, domainIds: string[]): Promise<DomainCheck[]> {
  return db.select().from(domainChecks).where(isAmong(domainChecks.domainId, domainIds));
}

export const insertDomain = (db: Db, row: Domain) => db.insert(domains).values(row);

export const insertKeys = (db: Db, rows: DkimKeyRow[]) => db.insert(dkimKeys).values(rows);

/**
 * Tells, with `expectChange`, whether a domain still is as it was read: which job looks at it, since when it may send,
 * and whether it ever might.
 */
export const touchUnchanged = (db: Db, { id, teamId, checkJobId, verifiedAt, firstVerifiedAt }: Domain) =>
  db
    .update(domains)
    .set({ id })
    .where(
      and(
        ofTeam(teamId, id),
        sql`${domains.checkJobId} is ${checkJobId}`,
        sql`${domains.verifiedAt} is ${verifiedAt?.getTime() ?? null}`,
        sql`${domains.firstVerifiedAt} is ${firstVerifiedAt?.getTime() ?? null}`,
      ),
    );

/** One that waits signs from now on, and the one of its algorithm that did is retired. */
export const activateKey = (db: Db, { id, domainId, algorithm }: DkimKeyRow, retireAt: Date) => [
  db
    .update(dkimKeys)
    .set({ state: "retired", retireAt })
    .where(
      and(eq(dkimKeys.domainId, domainId), eq(dkimKeys.algorithm, algorithm), eq(dkimKeys.state, "active")),
    ),
  db
    .update(dkimKeys)
    .set({ state: "active" })
    .where(and(eq(dkimKeys.id, id), eq(dkimKeys.state, "pending"))),
];

export const deleteKey = (db: Db, id: string) => db.delete(dkimKeys).where(eq(dkimKeys.id, id));

export const updateDomainRow = (db: Db, teamId: string, id: string, changes: Partial<Domain>) =>
  db.update(domains).set(changes).where(ofTeam(teamId, id));

/** Only the job that still is the domain's own writes what it found: the domain may have been changed meanwhile. */
export const updateVerdict = (
  db: Db,
  id: string,
  checkJobId: string,
  verdict: DomainVerdict & Pick<Domain, "checkJobId">,
) =>
  db
    .update(domains)
    .set(verdict)
    .where(and(eq(domains.id, id), eq(domains.checkJobId, checkJobId)));

export const upsertCheck = (db: Db, row: DomainCheck) =>
  db
    .insert(domainChecks)
    .values(row)
    .onConflictDoUpdate({
      target: [domainChecks.domainId, domainChecks.host, domainChecks.type],
      set: {
        status: sql`excluded.status`,
        found: sql`excluded.found`,
        reason: sql`excluded.reason`,
        failingSince: sql`excluded.failing_since`,
        checkedAt: sql`excluded.checked_at`,
      },
    });

/** What was seen at a host says nothing any more once another record is asked for there, or none. */
export const deleteChecksAt = (db: Db, domainId: string, host: string) =>
  db.delete(domainChecks).where(and(eq(domainChecks.domainId, domainId), eq(domainChecks.host, host)));

/** Its keys and checks go with it, and so do API keys that may send from nowhere else. */
export const deleteDomainRow = (db: Db, teamId: string, id: string) =>
  db.delete(domains).where(ofTeam(teamId, id));

const ofTeam = (teamId: string, id: string) => and(eq(domains.teamId, teamId), eq(domains.id, id));

const isAmong = (column: SQLiteColumn, ids: string[]) =>
  sql`${column} in (select value from json_each(${JSON.stringify(ids)}))`;

/** Names by id, of those that are the team's. */
export async function listDomainNames(db: Db, teamId: string, ids: string[]): Promise<Map<string, string>> {
  const rows = await db
    .select({ id: domains.id, name: domains.name })
    .from(domains)
    .where(and(eq(domains.teamId, teamId), isAmong(domains.id, ids)));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

export const findDomainPlace = (db: Db, teamId: string, numbers: Numbers): Promise<Place> =>
  findPlace(db, domains.id, eq(domains.teamId, teamId), numbers);

/** How many a team has, or `most` where it has more. */
export const countDomains = (db: Db, teamId: string, most: number): Promise<number> =>
  countUpTo(db, domains.id, eq(domains.teamId, teamId), most);
