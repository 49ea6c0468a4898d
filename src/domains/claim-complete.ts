import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";
import { removeWaitingJob } from "../jobs/store.ts";
import { forgetKeys } from "../keys/authenticate.ts";
import { completeOpenClaim, supersedeClaims, takeDomain } from "./claim-store.ts";
import { readDomain } from "./create.ts";
import { makeKeys } from "./dkim-keys.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { recordsOf, wantedRecords, withCheck } from "./records.ts";
import type { Domain, DomainClaim } from "./schema.ts";
import { insertDomain, insertKeys } from "./store.ts";
import { beginChecks } from "./verify.ts";

/**
 * Gives a domain to the team whose claim to it is proven, in one batch: the holder's domain goes, with its keys and the
 * API keys that may send from it alone, and the claimant's is there with keys of its own and begins to be verified. At
 * no time are there two. False when anything it rests on has changed meanwhile.
 */
export async function completeClaim(
  app: App,
  claim: DomainClaim,
  holder: Domain | undefined,
): Promise<boolean> {
  const wanted = readDomain(app, claim.teamId, { ...claim.wanted, name: claim.name });
  const domain = { ...wanted, id: claim.domainId };
  const keys = await makeKeys(app, domain.id, app.config.dkim.selector, "active");
  const { started, writes } = beginChecks(app, domain);
  const records = wantedRecords(app, started, keys).map((record) => withCheck(record, started, []));
  const now = app.now();
  try {
    await atomically(app, [
      completeOpenClaim(app.db, claim.id, now),
      expectChange(),
      ...(holder ? await takeFrom(app, holder, now) : []),
      insertDomain(app.db, domain),
      insertKeys(app.db, keys),
      ...recordDomainEvent(app, "domain.created", started, records),
      ...writes,
      supersedeClaims(app.db, claim.name, claim.id),
    ]);
  } catch (error) {
    if (error instanceof WriteConflict && (error.kind === "stale" || error.kind === "unique")) return false;
    throw error;
  }
  forgetDomains(app);
  forgetKeys(app);
  return true;
}

async function takeFrom(app: App, holder: Domain, now: Date): Promise<Write[]> {
  return [
    takeDomain(app.db, holder, now),
    expectChange(),
    ...(holder.checkJobId === null ? [] : [removeWaitingJob(holder.checkJobId)]),
    ...recordDomainEvent(app, "domain.deleted", holder, await recordsOf(app, holder)),
  ];
}
