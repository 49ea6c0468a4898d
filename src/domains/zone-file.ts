import type { DnsRecord } from "../dns/domain-records.ts";

/**
 * Records as text that name servers and most DNS providers take in (RFC 1035 §5.1), with full names. Those of keys that
 * sign no longer are not among them: they are there already, and go soon.
 */
export function toZoneFile(records: readonly DnsRecord[]): string {
  return records
    .filter(({ keepUntil }) => keepUntil === undefined)
    .map((record) => `${record.host}. IN ${record.type} ${rdataOf(record)}\n`)
    .join("");
}

function rdataOf({ type, value, priority }: DnsRecord): string {
  if (type === "MX") return `${priority ?? 10} ${value}.`;
  if (type === "CNAME") return `${value}.`;
  return stringsOf(value).join(" ");
}

/** One value in strings of at most 255 bytes (RFC 1035 §3.3.14); ours are ASCII. */
function stringsOf(text: string): string[] {
  const pieces = text.match(/.{1,255}/gs) ?? [""];
  return pieces.map((piece) => `"${piece.replace(/[\\"]/g, "\\$&")}"`);
}
