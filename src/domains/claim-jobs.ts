import { Type } from "@sinclair/typebox";
import type { App } from "../app.ts";
import { checkRecord } from "../dns/check-records.ts";
import { type RecordCheck, verified } from "../dns/record-check.ts";
import { again, defineJob, done, type Ending, type Held, handle } from "../jobs/job.ts";
import { completeClaim } from "./claim-complete.ts";
import { findBlock, findClaimById, isOpenClaim, updateOpenClaim } from "./claim-store.ts";
import { recordOfClaim } from "./records.ts";
import type { DomainClaim } from "./schema.ts";
import { pauseAfter } from "./status.ts";
import { findDomainByName } from "./store.ts";

/** Looks for the token of a claim, and gives its team the domain when nothing speaks against it. */
export const verifyClaim = defineJob("verify_domain_claim", Type.Object({ claimId: Type.String() }));

const blockedPauseMs = 3_600_000;
const changedPauseMs = 1_000;

export const verifyingClaim = handle(verifyClaim, async (app, { claimId }, held) => {
  const claim = await findClaimById(app.db, claimId);
  if (!claim || !isOpenClaim(claim)) return done();
  if (claim.expiresAt <= app.now()) return done([updateOpenClaim(app.db, claim.id, { status: "expired" })]);

  // Before anything is said of the holder: only the domain's owner learns whether it is in use.
  const proof = await lookForToken(app, claim);
  if (proof.status !== "verified") {
    return wait(app, claim, pauseAfter(held.attempt), {
      status: "pending",
      blockedReason: null,
      failureReason: proof.reason,
    });
  }
  return takeOver(app, claim, held);
});

async function takeOver(app: App, claim: DomainClaim, held: Held): Promise<Ending> {
  const holder = await findDomainByName(app.db, claim.name);
  if (holder?.teamId === claim.teamId) {
    const failureReason = "Your team has added the domain itself meanwhile.";
    return done([updateOpenClaim(app.db, claim.id, { status: "canceled", failureReason })]);
  }
  const blockedReason = holder && (await findBlock(app.db, holder, app.now()));
  if (blockedReason) {
    return wait(app, claim, blockedPauseMs, { status: "blocked", blockedReason, failureReason: null });
  }
  if (await completeClaim(app, claim, holder)) return done();
  // Taken back, completed elsewhere, or the holder has just sent, left or changed: to be looked at anew.
  return again(new Date(app.now().getTime() + changedPauseMs * held.attempt), "the domain changed meanwhile");
}

async function lookForToken(app: App, claim: DomainClaim): Promise<RecordCheck> {
  const record = recordOfClaim(claim);
  return app.sandbox ? verified([record.value]) : checkRecord(app.dns, record);
}

/** Until the claim's time is over, when the job writes that down. */
function wait(
  app: App,
  claim: DomainClaim,
  pauseMs: number,
  changes: Pick<DomainClaim, "status" | "blockedReason" | "failureReason">,
): Ending {
  const next = app.now().getTime() + pauseMs;
  const at = new Date(Math.min(next, claim.expiresAt.getTime()));
  const why = changes.blockedReason ?? "the token is not there yet";
  return again(at, why, [updateOpenClaim(app.db, claim.id, changes)]);
}
