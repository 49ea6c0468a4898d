import { getDomain } from "tldts";
import { canonicalName } from "./resolver.ts";

/** A record the owner of a sending domain publishes. */
export interface DnsRecord {
  purpose: "SPF" | "DKIM" | "DMARC" | "Receiving" | "Tracking" | "Claim";
  type: "MX" | "TXT" | "CNAME";
  /** Relative to the registered domain, as most DNS providers want it typed: `send.sub` for sub.example.com; `@` is that domain itself. */
  name: string;
  /** Fully qualified, without a trailing dot. */
  host: string;
  /** For TXT without quotes and unsplit: a zone file wants strings of at most 255 characters. */
  value: string;
  priority?: number;
  /** The domain does not count as verified without it. */
  required: boolean;
  /** A key that signs no longer: its record stays until then, for messages under way. */
  keepUntil?: Date;
}

export interface DkimKey {
  selector: string;
  algorithm: "rsa" | "ed25519";
  /** Base64: SPKI for rsa, the 32 raw bytes for ed25519 (RFC 8463 §4.2). */
  publicKey: string;
  state: "pending" | "active" | "retired";
  retireAt: Date | null;
}

export interface DomainRecordsInput {
  domain: string;
  /** The label under the domain that bounces go to, e.g. `send`. */
  returnPathLabel: string;
  /** This server's name, which the records point to. */
  hostname: string;
  dkim: DkimKey[];
  /** The host tracking links stand under; absent when the domain has none. */
  trackingHost?: string;
  /** The domain takes inbound mail here. */
  receiving: boolean;
}

/** The records of one sending domain, in the order they are shown. */
export function domainRecords(input: DomainRecordsInput): DnsRecord[] {
  const domain = canonicalName(input.domain) ?? input.domain;
  const hostname = canonicalName(input.hostname) ?? input.hostname;
  const registered = registeredNameOf(domain);
  const under = (label: string) => named(`${label}.${domain}`, registered);
  const returnPath = under(input.returnPathLabel);

  return [
    { purpose: "SPF", type: "MX", ...returnPath, value: hostname, priority: 10, required: true },
    { purpose: "SPF", type: "TXT", ...returnPath, value: `v=spf1 a:${hostname} ~all`, required: true },
    ...input.dkim.map(
      ({ selector, algorithm, publicKey, state, retireAt }): DnsRecord => ({
        purpose: "DKIM",
        type: "TXT",
        ...under(`${selector}._domainkey`),
        value: `v=DKIM1; k=${algorithm}; p=${publicKey}`,
        // A key that waits to be published holds nothing up: until then the one before it signs.
        required: state === "active",
        ...(state === "retired" && retireAt && { keepUntil: retireAt }),
      }),
    ),
    { purpose: "DMARC", type: "TXT", ...under("_dmarc"), value: "v=DMARC1; p=none;", required: false },
    {
      purpose: "Receiving",
      type: "MX",
      ...named(domain, registered),
      value: hostname,
      priority: 10,
      required: input.receiving,
    },
    ...(input.trackingHost === undefined ? [] : [trackingRecord(input.trackingHost, registered, hostname)]),
  ];
}

/** Mail goes out without it: links then stand under this server's own name. */
function trackingRecord(host: string, registered: string, hostname: string): DnsRecord {
  return {
    purpose: "Tracking",
    type: "CNAME",
    ...named(host, registered),
    value: hostname,
    required: false,
  };
}

/** The record by which the owner of a domain shows that it is theirs. */
export function claimRecord(domain: string, value: string): DnsRecord {
  return {
    purpose: "Claim",
    type: "TXT",
    ...named(domain, registeredNameOf(domain)),
    value,
    required: true,
  };
}

/** The registered domain a record's name is relative to. */
export function registeredDomainOf(record: DnsRecord): string {
  return record.name === "@" ? record.host : record.host.slice(record.name.length + 1);
}

/** Private suffixes count (*.github.io, *.co.com …): their customers' zone is the name they registered there. */
function registeredNameOf(domain: string): string {
  return getDomain(domain, { allowPrivateDomains: true }) ?? domain;
}

function named(host: string, registered: string): { name: string; host: string } {
  const name = host === registered ? "@" : host.slice(0, -(registered.length + 1));
  return { name, host };
}
