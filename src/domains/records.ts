import type { App } from "../app.ts";
import { claimRecord, type DnsRecord, domainRecords } from "../dns/domain-records.ts";
import { trackingHostOf } from "./name.ts";
import type { DkimKeyRow, Domain, DomainCheck, DomainClaim, RecordStatus } from "./schema.ts";
import { listChecks, listChecksOfAll, listKeys, listKeysOfAll } from "./store.ts";

/** A record to publish, and what the last look at DNS said about it. */
export interface DomainRecord extends DnsRecord {
  status: RecordStatus;
  /** What was found and what to change, in one sentence; empty when verified or not looked at yet. */
  reason: string;
  /** What is published there, as it was last seen; fit to be shown. */
  found: string[];
}

/** The records a domain should publish: those it needs, and (not `required`) those we only recommend. */
export async function recordsOf(app: App, domain: Domain): Promise<DomainRecord[]> {
  const [keys, checks] = await Promise.all([listKeys(app.db, domain.id), listChecks(app.db, domain.id)]);
  return wantedRecords(app, domain, keys).map((record) => withCheck(record, domain, checks));
}

/** A record with what was last seen of it. */
export function withCheck(record: DnsRecord, domain: Domain, checks: DomainCheck[]): DomainRecord {
  const check = isLookedAt(record) || record.keepUntil ? findCheck(checks, record) : undefined;
  const status = check?.status ?? unseen(domain, record);
  const found = check?.found ?? [];
  if (record.keepUntil) return { ...record, status, reason: keepFor(record.keepUntil), found };
  return { ...record, status, reason: check?.reason ?? "", found };
}

/** A domain, and the purposes of the records it still lacks: each once, in the order they are shown. */
export interface DomainInList {
  domain: Domain;
  missing: DnsRecord["purpose"][];
}

/** What each of a page of domains lacks; two questions for all of them. */
export async function withMissing(app: App, page: Domain[]): Promise<DomainInList[]> {
  const ids = page.map(({ id }) => id);
  const [keys, checks] = await Promise.all([listKeysOfAll(app.db, ids), listChecksOfAll(app.db, ids)]);
  return page.map((domain) => {
    const isOwn = ({ domainId }: { domainId: string }) => domainId === domain.id;
    const own = checks.filter(isOwn);
    const lacking = wantedRecords(app, domain, keys.filter(isOwn))
      .filter(isMissed)
      .filter((record) => withCheck(record, domain, own).status !== "verified");
    return { domain, missing: [...new Set(lacking.map(({ purpose }) => purpose))] };
  });
}

function keepFor(until: Date): string {
  return `This key signs no longer: keep its record until ${until.toISOString()} for messages under way, then remove it.`;
}

/** What a domain with these capabilities publishes. */
export function wantedRecords(app: App, domain: Omit<Domain, "id">, keys: DkimKeyRow[]): DnsRecord[] {
  const { name, returnPathLabel, sending, receiving } = domain;
  const now = app.now();
  const records = domainRecords({
    domain: name,
    returnPathLabel,
    hostname: app.config.smtpOutbound.hostname,
    dkim: keys.filter(({ retireAt }) => retireAt === null || retireAt > now),
    receiving,
    trackingHost: trackingHostOf(domain),
  });
  return records.filter(({ purpose }) => sending || purpose === "Receiving");
}

/** Whether a record is one to publish, rather than one we only recommend. */
export function isAskedFor({ required, purpose }: DnsRecord): boolean {
  return required || purpose === "DKIM" || purpose === "Tracking";
}

/**
 * An MX record we merely offer is nobody's mistake: that mail goes elsewhere is how its owner wants it. Nor is the
 * record of a key that signs no longer.
 */
export function isLookedAt({ required, purpose, keepUntil }: DnsRecord): boolean {
  return required || (purpose !== "Receiving" && keepUntil === undefined);
}

/** Whether it says anything when a record is not there: not so for one we only recommend, nor for a key to come. */
export function isMissed({ required, purpose }: DnsRecord): boolean {
  return required || purpose === "Tracking";
}

/** What the claimant of a domain publishes. */
export const recordOfClaim = ({ name, token }: Pick<DomainClaim, "name" | "token">): DnsRecord =>
  claimRecord(name, `mailit-domain-verification=${token}`);

export function findCheck(checks: DomainCheck[], { host, type }: DnsRecord): DomainCheck | undefined {
  return checks.find((check) => check.host === host && check.type === type);
}

function unseen({ checkJobId }: Domain, record: DnsRecord): RecordStatus {
  return checkJobId !== null && isLookedAt(record) ? "pending" : "not_started";
}
