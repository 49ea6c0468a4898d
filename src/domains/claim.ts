/**
 * A domain's name has one holder on this server. A team that finds its own name held by another claims it: it publishes
 * a token in DNS, and when that is seen and the holder does not use the domain, the domain is the claimant's.
 */
import { randomBytes } from "node:crypto";
import { type App, atomically } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { laneOf } from "../jobs/job.ts";
import { insertJobOnce, removeWaitingJob, touchLane } from "../jobs/store.ts";
import { verifyClaim } from "./claim-jobs.ts";
import {
  expireClaims,
  findClaim,
  findOpenClaim,
  insertClaim,
  isOpenClaim,
  listClaimsOf,
  updateOpenClaim,
} from "./claim-store.ts";
import { type NewDomain, readDomain } from "./create.ts";
import { checkRecordHosts, readDomainName } from "./name.ts";
import { wantedRecords } from "./records.ts";
import type { Domain, DomainClaim } from "./schema.ts";
import { findDomainByName } from "./store.ts";

/** How long the token may be published in. */
const claimLifeMs = 7 * 24 * 3_600_000;

/** Begins a claim. A team has one under way for a name: asked for again, it is the same with what is wanted now. */
export async function startClaim(
  app: App,
  teamId: string,
  { name: typed, ...wanted }: NewDomain,
): Promise<{ claim: DomainClaim; isNew: boolean }> {
  const domain = readDomain(app, teamId, { ...wanted, name: typed });
  checkHosts(app, domain);
  await refuseNeedless(app, domain);

  const { name } = domain;
  const now = app.now();
  const known = await findOpenClaim(app.db, teamId, name, now);
  if (known) {
    await atomically(app, [updateOpenClaim(app.db, known.id, { wanted })]);
    return { claim: { ...known, wanted }, isNew: false };
  }
  const claim: DomainClaim = {
    id: newId(),
    teamId,
    name,
    token: randomBytes(16).toString("hex"),
    status: "pending",
    wanted,
    domainId: domain.id,
    blockedReason: null,
    failureReason: null,
    createdAt: now,
    expiresAt: new Date(now.getTime() + claimLifeMs),
  };
  try {
    await atomically(app, [expireClaims(app.db, teamId, name, now), insertClaim(app.db, claim)]);
  } catch (error) {
    // The same request a moment earlier: its claim is the team's.
    const won = error instanceof WriteConflict && (await findOpenClaim(app.db, teamId, name, now));
    if (won) return { claim: won, isNew: false };
    throw error;
  }
  return { claim, isNew: true };
}

/** A claim by its own id or by that of the domain it brings; another team's is as absent as one that never was. */
export async function getClaim(app: App, teamId: string, id: string): Promise<DomainClaim> {
  const claim = await findClaim(app.db, teamId, id);
  if (!claim) throw new Refusal("not_found", "Domain claim not found");
  return asOfNow(app, claim);
}

/** One page of a team's claims and one more, newest first. */
export async function listClaims(app: App, teamId: string, page: Keyset): Promise<DomainClaim[]> {
  return (await listClaimsOf(app.db, teamId, page)).map((claim) => asOfNow(app, claim));
}

/** One whose time is over has ended, although nobody has written that down. */
function asOfNow(app: App, claim: DomainClaim): DomainClaim {
  return isOpenClaim(claim) && claim.expiresAt <= app.now() ? { ...claim, status: "expired" } : claim;
}

/** Whether another team has a domain of this name: then it can be claimed. */
export async function isHeldByOthers(app: App, teamId: string, name: string): Promise<boolean> {
  const holder = await findDomainByName(app.db, readDomainName(name));
  return holder !== undefined && holder.teamId !== teamId;
}

/** Has the token looked for at once, and again until it is there or the claim's time is over. */
export async function startClaimVerification(app: App, teamId: string, id: string): Promise<DomainClaim> {
  const claim = await getClaim(app, teamId, id);
  if (claim.status === "completed") return claim;
  if (!isOpenClaim(claim)) {
    throw new Refusal(
      "validation_error",
      `The claim to ${claim.name} is ${claim.status}: begin a new one with POST /domains/claim.`,
    );
  }
  const now = app.now();
  const lane = laneOf(verifyClaim, teamId);
  const job = { id: claim.id, kind: verifyClaim.name, lane, payload: { claimId: claim.id } };
  await atomically(app, [
    removeWaitingJob(claim.id),
    // One that runs at this very moment stays, and comes back by itself.
    { ...insertJobOnce({ ...job, runAt: now, createdAt: now }), dueAt: now },
    touchLane(lane, now),
  ]);
  return claim;
}

/** Refused now rather than at the end: with these wishes the domain could not be verified. */
function checkHosts(app: App, domain: Domain): void {
  const hosts = wantedRecords(app, domain, []).map(({ host }) => host);
  checkRecordHosts(domain.name, [...hosts, `${app.config.dkim.selector}-ed25519._domainkey.${domain.name}`]);
}

/** Says no more of a holder than that it is another team. */
async function refuseNeedless(app: App, { name, teamId }: Domain): Promise<void> {
  const holder = await findDomainByName(app.db, name);
  if (!holder) {
    throw new Refusal(
      "validation_error",
      `No team has added the domain ${name}, so there is nothing to claim: add it with POST /domains.`,
    );
  }
  if (holder.teamId === teamId) {
    throw new Refusal(
      "already_exists",
      `The domain ${name} is your team's already: instead of claiming it, verify it with POST /domains/${holder.id}/verify.`,
    );
  }
}
