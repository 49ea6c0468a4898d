import { type App, atomically } from "../app.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { makeKeys } from "./dkim-keys.ts";
import { recordDomainEvent } from "./events.ts";
import { forgetDomains } from "./memory.ts";
import { checkRecordHosts, readDomainName, readReturnPathLabel, readTrackingLabel } from "./name.ts";
import { wantedRecords } from "./records.ts";
import { type Domain, type DomainWishes, defaultRegion, isRegion, regions } from "./schema.ts";
import { findDomainByName, insertDomain, insertKeys } from "./store.ts";

export interface NewDomain extends DomainWishes {
  name: string;
}

/** Adds a sending domain with a key of each algorithm. It sends nothing until `startVerification` has found its records. */
export async function createDomain(app: App, teamId: string, wanted: NewDomain): Promise<Domain> {
  const domain = readDomain(app, teamId, wanted);
  // Looked up first because keys are costly to make; what is added meanwhile is met by the unique index.
  await refuseTaken(app, domain);
  const keys = await makeKeys(app, domain.id, app.config.dkim.selector, "active");
  const records = wantedRecords(app, domain, keys);
  checkRecordHosts(
    domain.name,
    records.map(({ host }) => host),
  );

  const shown = records.map((record) => ({
    ...record,
    status: "not_started" as const,
    reason: "",
    found: [],
  }));
  try {
    await atomically(app, [
      insertDomain(app.db, domain),
      insertKeys(app.db, keys),
      ...recordDomainEvent(app, "domain.created", domain, shown),
    ]);
  } catch (error) {
    if (error instanceof WriteConflict && error.kind === "unique") await refuseTaken(app, domain);
    throw error;
  }
  forgetDomains(app);
  return domain;
}

/** The row of a domain as it is wanted, everything checked. */
export function readDomain(app: App, teamId: string, wanted: NewDomain): Domain {
  const { region = defaultRegion, capabilities = {}, trackingSubdomain } = wanted;
  const name = readDomainName(wanted.name);
  if (!isRegion(region)) {
    throw new Refusal("invalid_region", `Invalid \`region\` field. Allowed: ${regions.join(", ")}.`);
  }
  const { sending = true, receiving = false } = capabilities;
  if (!sending && !receiving) throw noCapability();
  const returnPathLabel = readReturnPathLabel(wanted.customReturnPath ?? "send");
  return {
    id: newId(),
    teamId,
    name,
    status: "not_started",
    region,
    returnPathLabel,
    openTracking: wanted.openTracking ?? false,
    clickTracking: wanted.clickTracking ?? false,
    trackingLabel:
      trackingSubdomain === undefined
        ? null
        : readTrackingLabel(trackingSubdomain, { name, returnPathLabel }),
    tls: wanted.tls ?? "opportunistic",
    sending,
    receiving,
    checkUntil: null,
    checkJobId: null,
    checkedAt: null,
    verifiedAt: null,
    firstVerifiedAt: null,
    receivingVerifiedAt: null,
    trackingVerifiedAt: null,
    createdAt: app.now(),
  };
}

export function noCapability(): Refusal {
  return new Refusal(
    "validation_error",
    "Invalid `capabilities` field. At least one of sending and receiving must be enabled.",
  );
}

async function refuseTaken(app: App, { name, teamId }: Domain): Promise<void> {
  const holder = await findDomainByName(app.db, name);
  if (!holder) return;
  throw new Refusal(
    "already_exists",
    holder.teamId === teamId
      ? `The domain ${name} is already added.`
      : `The domain ${name} is already added by another team. If it is yours, claim it with POST /domains/claim.`,
  );
}
