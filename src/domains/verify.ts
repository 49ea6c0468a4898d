import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { removeWaitingJob } from "../jobs/store.ts";
import { recordDomainEvent } from "./events.ts";
import { verifyDomain } from "./jobs.ts";
import { forgetDomains } from "./memory.ts";
import { recordsOf } from "./records.ts";
import type { Domain } from "./schema.ts";
import { getDomain, refuseMissing } from "./service.ts";
import { patienceMs, statusWhileChecking } from "./status.ts";
import { updateDomainRow } from "./store.ts";

/** Has a domain's records looked up at once, and again until all are there or the time for it is over. */
export async function startVerification(app: App, teamId: string, id: string): Promise<Domain> {
  const domain = await getDomain(app, teamId, id);
  const { started, writes } = beginChecks(app, domain);
  const changed =
    started.status === domain.status
      ? []
      : recordDomainEvent(app, "domain.updated", started, await recordsOf(app, started));
  await atomically(app, [...writes, ...changed]).catch(refuseMissing);
  forgetDomains(app);
  return started;
}

/**
 * The writes that give a domain a new job in place of the one it had. A job that runs at this very moment can't be
 * removed; it finds that it is no longer the domain's and writes nothing.
 */
export function beginChecks(app: App, domain: Domain): { started: Domain; writes: Write[] } {
  const { id, teamId } = domain;
  const status = statusWhileChecking(domain);
  const checkUntil = new Date(app.now().getTime() + patienceMs);
  const checkJobId = newId();
  const changes = { status, checkUntil, checkJobId };
  return {
    started: { ...domain, ...changes },
    writes: [
      updateDomainRow(app.db, teamId, id, changes),
      expectChange(),
      ...(domain.checkJobId === null ? [] : [removeWaitingJob(domain.checkJobId)]),
      // A lane for each team: one team's thousand domains with dead name servers keep nobody else waiting.
      ...enqueue(app, verifyDomain, { domainId: id }, { id: checkJobId, lane: teamId }),
    ],
  };
}
