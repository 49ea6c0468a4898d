import { type App, atomically, requireRole } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";
import { noCapability } from "./create.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { checkRecordHosts, readTrackingLabel, trackingHostOf } from "./name.ts";
import { recordsOf } from "./records.ts";
import type { Capabilities, Domain } from "./schema.ts";
import { getDomain, refuseMissing } from "./service.ts";
import { deleteChecksAt, updateDomainRow } from "./store.ts";
import { beginChecks } from "./verify.ts";

/** What may change about a domain once it is added; what is absent stays. */
export interface DomainChanges {
  openTracking?: boolean;
  clickTracking?: boolean;
  /** `null` takes it away, so that it is the one a domain has unasked. */
  trackingSubdomain?: string | null;
  tls?: Domain["tls"];
  capabilities?: Capabilities;
}

/**
 * Changes a domain. Other capabilities or another tracking host need other records, so a domain that was looked at
 * before is looked at again; what stands keeps standing.
 */
export async function updateDomain(
  app: App,
  teamId: string,
  id: string,
  wanted: DomainChanges,
): Promise<Domain> {
  requireRole(app, "developer"); // also where nothing would change: nobody is told that it was done
  const domain = await getDomain(app, teamId, id);
  const wished = readChanges(domain, wanted);
  if (Object.keys(wished).length === 0) return domain;
  const formerHost = trackingHostOf(domain);
  const trackingHost = trackingHostOf({ ...domain, ...wished });
  const isMoved = trackingHost !== formerHost;
  const changes = isMoved ? { ...wished, trackingVerifiedAt: null } : wished;
  const changed = { ...domain, ...changes };
  if (!changed.sending && !changed.receiving) throw noCapability();
  if (trackingHost) checkRecordHosts(domain.name, [trackingHost]);

  const isTurned = changed.sending !== domain.sending || changed.receiving !== domain.receiving;
  // A verification that has failed is its owner's to start again; a tracking host alone does not.
  const isRestart = domain.status !== "not_started" && (isTurned || (isMoved && domain.checkJobId !== null));
  const { started, writes } = isRestart ? beginChecks(app, changed) : { started: changed, writes: [] };
  const event = recordDomainEvent(app, "domain.updated", started, await recordsOf(app, started));
  await atomically(app, [
    updateDomainRow(app.db, teamId, id, changes),
    expectChange(),
    ...(isMoved && formerHost ? [deleteChecksAt(app.db, id, formerHost)] : []),
    ...writes,
    ...event,
  ]).catch(refuseLastCapability);
  forgetDomains(app);
  return started;
}

/** Only what is asked for, so that two changes at once do not undo each other. */
function readChanges(domain: Domain, wanted: DomainChanges): Partial<Domain> {
  const { openTracking, clickTracking, trackingSubdomain, tls, capabilities = {} } = wanted;
  const { sending, receiving } = capabilities;
  const trackingLabel = trackingSubdomain && readTrackingLabel(trackingSubdomain, domain);
  return {
    ...(openTracking !== undefined && { openTracking }),
    ...(clickTracking !== undefined && { clickTracking }),
    ...(trackingLabel !== undefined && { trackingLabel: trackingLabel || null }),
    ...(tls !== undefined && { tls }),
    // Nobody looks at the records of what is off: when it is turned on again they have to be found anew.
    ...(sending !== undefined && { sending, ...(!sending && { verifiedAt: null }) }),
    ...(receiving !== undefined && { receiving, ...(!receiving && { receivingVerifiedAt: null }) }),
  };
}

/** Two requests that each turn one of the two off: the table takes only one of them. */
function refuseLastCapability(error: unknown): never {
  if (error instanceof WriteConflict && error.kind === "check") throw noCapability();
  return refuseMissing(error);
}
