import type { DnsRecord } from "./domain-records.ts";
import { pending, type RecordCheck, shown, unquoted, verified, wrong } from "./record-check.ts";
import type { Resolver } from "./resolver.ts";

/** Whether one of a domain's texts is the token of a claim. "absent" when none is any claim's. */
export async function checkClaim(
  resolver: Resolver,
  record: DnsRecord,
  host: string,
): Promise<RecordCheck | "absent"> {
  const [alias, answer] = await Promise.all([
    resolver.resolve(host, "CNAME", { fresh: true }),
    resolver.resolve(host, "TXT", { fresh: true }),
  ]);
  const failed = [alias, answer].find(({ kind }) => kind === "failed");
  if (failed?.kind === "failed")
    return pending(
      `The TXT records of ${host} could not be looked up (${shown(failed.reason)}): check again in a few minutes.`,
    );
  // Texts behind an alias are written by whoever runs the host it leads to, who need not be the domain's owner.
  if (alias.kind === "found")
    return wrong(
      alias.records,
      `${host} is an alias (CNAME) of ${shown(alias.records[0] ?? "")}, so that it has no texts of its own: take the CNAME away while the claim is verified.`,
    );
  return answer.kind === "found" ? judgeTokens(record, answer.records) : "absent";
}

function judgeTokens(record: DnsRecord, texts: string[]): RecordCheck | "absent" {
  const prefix = record.value.slice(0, record.value.indexOf("=") + 1);
  const tokens = texts.map(unquoted).filter((text) => text.startsWith(prefix));
  if (tokens.includes(record.value)) return verified([record.value]);
  const [other] = tokens;
  if (other === undefined) return "absent";
  return wrong(
    tokens,
    `The TXT record at ${record.host} is of another claim (${shown(other)}): publish ${record.value} beside it or in its place.`,
  );
}
