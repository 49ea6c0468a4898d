import type { DnsRecord } from "./domain-records.ts";
import { judgeText, type RecordCheck, readTags, unquoted, verified, wrong } from "./record-check.ts";

/** Any policy is the owner's to choose; what counts is that receivers will read it. "absent" when there is none. */
export function judgeDmarc(record: DnsRecord, texts: string[]): RecordCheck | "absent" {
  const policies = texts.filter((text) => /^v\s*=\s*dmarc1\s*(;|$)/i.test(unquoted(text)));
  const [policy] = policies;
  if (policy === undefined) return "absent";
  if (policies.length > 1)
    return wrong(
      policies,
      `${record.host} has ${policies.length} DMARC records, which makes receivers ignore all of them (RFC 7489 §6.6.3): keep one.`,
    );
  return judgeText(record.host, policy, (bare) => {
    const tags = readTags(bare);
    // RFC 7489 §6.4: the version is case-sensitive; without a policy receivers pass the record over (§6.6.3).
    if (tags.get("v") === "DMARC1" && /^(none|quarantine|reject)$/i.test(tags.get("p") ?? ""))
      return verified([bare]);
    return wrong(
      [bare],
      `The DMARC record at ${record.host} has no valid policy: begin it with "v=DMARC1; p=none;" (or quarantine, or reject).`,
    );
  });
}
