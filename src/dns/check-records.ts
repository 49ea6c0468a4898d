import { checkAlias } from "./check-alias.ts";
import { checkClaim } from "./check-claim.ts";
import { judgeDkim } from "./check-dkim.ts";
import { judgeDmarc } from "./check-dmarc.ts";
import { judgeMx } from "./check-mx.ts";
import { judgeSpf } from "./check-spf.ts";
import { type DnsRecord, registeredDomainOf } from "./domain-records.ts";
import { pending, type RecordCheck, shown, wrong } from "./record-check.ts";
import type { RecordData, Resolver } from "./resolver.ts";

/** Compares what is published now (never a remembered answer) with one record that should be. */
export async function checkRecord(resolver: Resolver, record: DnsRecord): Promise<RecordCheck> {
  const check = await checkAt(resolver, record, record.host);
  if (check !== "absent") return check;
  return (await checkElsewhere(resolver, record)) ?? pending(notYet(record));
}

async function checkAt(resolver: Resolver, record: DnsRecord, host: string): Promise<RecordCheck | "absent"> {
  if (record.type === "CNAME") return checkAlias(resolver, record, host);
  if (record.purpose === "Claim") return checkClaim(resolver, record, host);
  const answer = await resolver.resolve(host, record.type, { fresh: true });
  if (answer.kind === "absent") return "absent";
  if (answer.kind === "failed")
    return pending(
      `The ${record.type} record of ${host} could not be looked up (${shown(answer.reason)}): check again in a few minutes.`,
    );
  const texts: string[] = [];
  const hosts: RecordData["MX"][] = [];
  for (const data of answer.records) {
    if (typeof data === "string") texts.push(data);
    else hosts.push(data);
  }
  return record.type === "MX" ? judgeMx(record, hosts) : judgeTexts(record, texts);
}

/** "absent" when there are texts, but none of the kind that is looked for. */
function judgeTexts(record: DnsRecord, texts: string[]): RecordCheck | "absent" {
  switch (record.purpose) {
    case "SPF":
      return judgeSpf(record, texts);
    case "DMARC":
      return judgeDmarc(record, texts);
    default:
      return judgeDkim(record, texts);
  }
}

/** Where a record that is missing may be instead. */
async function checkElsewhere(resolver: Resolver, record: DnsRecord): Promise<RecordCheck | undefined> {
  const registered = registeredDomainOf(record);
  if (record.purpose === "DMARC" && record.host !== `_dmarc.${registered}`) {
    // RFC 7489 §6.6.3: without a policy of its own, a subdomain has that of its registered domain.
    const inherited = await checkAt(resolver, record, `_dmarc.${registered}`);
    if (inherited !== "absent" && inherited.status === "verified") return inherited;
  }
  // Providers append the domain to what is typed, so a full name typed in ends up under the domain twice.
  const doubled = `${record.host}.${registered}`;
  const misplaced = await checkAt(resolver, record, doubled);
  if (misplaced === "absent" || misplaced.status !== "verified") return undefined;
  return wrong(
    misplaced.found,
    `The ${record.type} record is published at ${doubled} instead of ${record.host}: enter its name as "${record.name}".`,
  );
}

function notYet(record: DnsRecord): string {
  return `No ${record.purpose} ${record.type} record is published at ${record.host} yet: add it, or wait a while if you just did.`;
}
