import type { App } from "../app.ts";
import { type DnsRecord, domainRecords } from "../dns/domain-records.ts";
import type { DkimKeyRow, Domain, DomainCheck, RecordStatus } from "./schema.ts";
import { listChecks, listKeys } from "./store.ts";

/** A record to publish, and what the last look at DNS said about it. */
export interface DomainRecord extends DnsRecord {
  status: RecordStatus;
  /** What was found and what to change, in one sentence; empty when verified or not looked at yet. */
  reason: string;
}

/** The records a domain should publish: those it needs, and (not `required`) those we only recommend. */
export async function recordsOf(app: App, domain: Domain): Promise<DomainRecord[]> {
  const [keys, checks] = await Promise.all([listKeys(app.db, domain.id), listChecks(app.db, domain.id)]);
  return wantedRecords(app, domain, keys).map((record) => {
    const check = isLookedAt(record) ? findCheck(checks, record) : undefined;
    return { ...record, status: check?.status ?? unseen(domain, record), reason: check?.reason ?? "" };
  });
}

/** What a domain with these capabilities publishes. */
export function wantedRecords(
  app: App,
  { name, returnPathLabel, sending, receiving }: Omit<Domain, "id">,
  dkim: Pick<DkimKeyRow, "selector" | "algorithm" | "publicKey">[],
): DnsRecord[] {
  const { hostname } = app.config.smtpOutbound;
  const records = domainRecords({ domain: name, returnPathLabel, hostname, dkim, receiving });
  return records.filter(({ purpose }) => sending || purpose === "Receiving");
}

/** An MX record we merely offer is nobody's mistake: that mail goes elsewhere is how its owner wants it. */
export function isLookedAt({ required, purpose }: DnsRecord): boolean {
  return required || purpose !== "Receiving";
}

export function findCheck(checks: DomainCheck[], { host, type }: DnsRecord): DomainCheck | undefined {
  return checks.find((check) => check.host === host && check.type === type);
}

function unseen({ checkJobId }: Domain, record: DnsRecord): RecordStatus {
  return checkJobId !== null && isLookedAt(record) ? "pending" : "not_started";
}
