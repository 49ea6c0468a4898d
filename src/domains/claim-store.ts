import { and, eq, gt, lte, ne, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { counters } from "../events/schema.ts";
import { leastIdAt } from "../ids.ts";
import { jobs } from "../jobs/schema.ts";
import {
  type BlockedReason,
  type ClaimStatus,
  type Domain,
  type DomainClaim,
  domainClaims,
  domains,
} from "./schema.ts";

/** Under way: neither completed nor ended otherwise. */
const openStatuses: ClaimStatus[] = ["pending", "blocked"];

export const isOpenClaim = ({ status }: DomainClaim): boolean => openStatuses.includes(status);

// In words, not as values: only so can SQLite see that the index of open claims has what is asked for.
const isOpen = sql`${domainClaims.status} in ('pending', 'blocked')`;

export async function findClaimById(db: Db, id: string): Promise<DomainClaim | undefined> {
  return db.select().from(domainClaims).where(eq(domainClaims.id, id)).get();
}

/** By its own id, or by that of the domain it brings. */
export async function findClaim(db: Db, teamId: string, id: string): Promise<DomainClaim | undefined> {
  return db
    .select()
    .from(domainClaims)
    .where(and(eq(domainClaims.teamId, teamId), or(eq(domainClaims.id, id), eq(domainClaims.domainId, id))))
    .get();
}

/** One page and one row more, newest first. */
export async function listClaimsOf(db: Db, teamId: string, page: Keyset): Promise<DomainClaim[]> {
  const { where, orderBy, limit } = pageOf(domainClaims.id, eq(domainClaims.teamId, teamId), page);
  return newestFirst(await db.select().from(domainClaims).where(where).orderBy(orderBy).limit(limit), page);
}

export async function findOpenClaim(
  db: Db,
  teamId: string,
  name: string,
  now: Date,
): Promise<DomainClaim | undefined> {
  return db
    .select()
    .from(domainClaims)
    .where(
      and(
        eq(domainClaims.name, name),
        eq(domainClaims.teamId, teamId),
        isOpen,
        gt(domainClaims.expiresAt, now),
      ),
    )
    .get();
}

export const insertClaim = (db: Db, row: DomainClaim) => db.insert(domainClaims).values(row);

/** Changes a claim that is under way, and no other. */
export const updateOpenClaim = (db: Db, id: string, changes: Partial<DomainClaim>) =>
  db
    .update(domainClaims)
    .set(changes)
    .where(and(eq(domainClaims.id, id), isOpen));

/** Makes room for a new claim where the team's last one to this name has run out. */
export const expireClaims = (db: Db, teamId: string, name: string, now: Date) =>
  db
    .update(domainClaims)
    .set({ status: "expired" })
    .where(
      and(
        eq(domainClaims.name, name),
        eq(domainClaims.teamId, teamId),
        isOpen,
        lte(domainClaims.expiresAt, now),
      ),
    );

/** Ends the claim that would bring this domain. */
export const cancelClaim = (db: Db, teamId: string, domainId: string, now: Date) =>
  db
    .update(domainClaims)
    .set({ status: "canceled" })
    .where(
      and(
        eq(domainClaims.teamId, teamId),
        eq(domainClaims.domainId, domainId),
        isOpen,
        gt(domainClaims.expiresAt, now),
      ),
    );

/** Completes a claim that is under way and has time left. */
export const completeOpenClaim = (db: Db, id: string, now: Date) =>
  db
    .update(domainClaims)
    .set({ status: "completed", blockedReason: null, failureReason: null })
    .where(and(eq(domainClaims.id, id), isOpen, gt(domainClaims.expiresAt, now)));

/** The claims of others to a name end when it changes hands. */
export const supersedeClaims = (db: Db, name: string, exceptId: string) =>
  db
    .update(domainClaims)
    .set({ status: "superseded" })
    .where(and(eq(domainClaims.name, name), isOpen, ne(domainClaims.id, exceptId)));

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How long a domain can't be taken from a team that has just shown in DNS that it is theirs. */
export const graceMs = 3 * dayMs;

/** For how long a team that has sent from a domain is taken to be using it. */
export const activityMs = 7 * dayMs;

/**
 * Why a domain can't be taken from its holder now, as conditions on its row: asked before, and again by the very
 * statement that takes it. Sending is read from the counters, as nobody counts emails. Whatever is still to be sent stands
 * against it: once its domain is gone it would fail, although we said that we have it. What was accepted within a week
 * the counters know; what is older is scheduled, deferred or held by an operator, and has a job as old as itself. Those
 * jobs are few, and looking through them costs nothing where mail is accepted, as an index of waiting emails would.
 * Tables and the kind of job are named in words, because their room comes after this one.
 */
function blocks({ id, teamId }: Domain, now: Date): Record<BlockedReason, SQL> {
  const hour = Math.floor((now.getTime() - activityMs) / hourMs) * hourMs;
  // A day less, so that clocks that differ leave no gap between what is counted and what is looked for.
  const counted = leastIdAt(new Date(now.getTime() - activityMs + dayMs));
  return {
    // A job has its delivery's id. `cross join` keeps the order: from the old jobs to their emails, never the other way.
    pending_scheduled_emails: sql`(exists (select 1 from emails where domain_id = ${id} and last_event = 'scheduled')
      or exists (select 1 from ${jobs} j cross join deliveries d on d.id = j.id cross join emails e on e.id = d.email_id
        where j.id < ${counted} and j.kind = 'deliver' and e.domain_id = ${id}))`,
    recent_owner_activity: sql`exists (select 1 from ${counters} where team_id = ${teamId} and hour >= ${hour}
      and domain_id = ${id} and event in ('email.queued', 'email.scheduled', 'email.delivery_delayed', 'email.delivered'))`,
    grace_period: sql`coalesce(${domains.verifiedAt}, 0) > ${now.getTime() - graceMs}`,
  };
}

/** The first reason why a domain can't be taken from its holder now. */
export async function findBlock(db: Db, holder: Domain, now: Date): Promise<BlockedReason | undefined> {
  const reasons = Object.entries(blocks(holder, now)) as [BlockedReason, SQL][];
  const cases = reasons.map(([reason, holds]) => sql`when ${holds} then ${reason}`);
  const row = await db
    .select({ reason: sql<BlockedReason | null>`case ${sql.join(cases, sql` `)} end` })
    .from(domains)
    .where(eq(domains.id, holder.id))
    .get();
  return row?.reason ?? undefined;
}

/** Takes a domain from its holder, unless there is a reason against it by now. */
export const takeDomain = (db: Db, holder: Domain, now: Date) =>
  db
    .delete(domains)
    .where(
      and(
        eq(domains.id, holder.id),
        eq(domains.teamId, holder.teamId),
        ...Object.values(blocks(holder, now)).map((holds) => sql`not (${holds})`),
      ),
    );
