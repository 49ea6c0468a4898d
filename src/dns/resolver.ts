// dns/ asks the domain name system: a caching resolver, the MX and address lookups of delivery, and the records a
// sending domain has to publish. Everything that comes back is written by strangers.
import { domainToASCII } from "node:url";

/** What each type's records look like. Names are lower-case, without a trailing dot; the root is ".". */
export interface RecordData {
  A: string;
  AAAA: string;
  MX: { exchange: string; preference: number };
  /** The strings of one record joined without anything between them (RFC 7208 §3.3, RFC 6376 §3.6.2.2). */
  TXT: string;
  CNAME: string;
  PTR: string;
  TLSA: { usage: number; selector: number; matchingType: number; certificate: Uint8Array };
  CAA: { critical: boolean; tag: string; value: string };
}

export type RecordType = keyof RecordData;

/**
 * What DNS said. `absent` is a fact about the name and may be acted on; `failed` says nothing about it, so the question
 * has to be put again later. `authenticated` is the AD flag: it is worth as much as the way to the DNS server.
 */
export type DnsAnswer<T extends RecordType = RecordType> =
  | { kind: "found"; records: RecordData[T][]; authenticated: boolean; ttlSeconds: number }
  | { kind: "absent"; reason: "nxdomain" | "nodata" }
  | { kind: "failed"; reason: string };

export interface ResolveOptions {
  /** Ask the server even if the answer is remembered: somebody has just changed a record and wants to see it. */
  fresh?: boolean;
}

/** The part of the outside that tests replace with `dnsTable`. `resolve` never rejects. */
export interface Resolver {
  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>>;
}

/**
 * The form of a name that is asked for and compared: ASCII (IDNA), lower-case, no trailing dot. Undefined for what no
 * DNS message can carry (RFC 1035 §2.3.4), e.g. an empty label or more than 253 characters.
 */
export function canonicalName(name: string): string | undefined {
  const ascii = /^[ -~]*$/.test(name) ? name : domainToASCII(name);
  const canonical = ascii.toLowerCase().replace(/\.$/, "");
  if (canonical.length > 253) return undefined;
  return canonical.split(".").every((label) => /^[!-~]{1,63}$/.test(label)) ? canonical : undefined;
}
