import { isIP } from "node:net";
import { canonicalName, type Resolver } from "./resolver.ts";

export interface MxHost {
  name: string;
  preference: number;
}

export type MxAnswer =
  | {
      kind: "hosts";
      /** In the order to try them. */
      hosts: MxHost[];
      /** There is no MX record: the domain itself is the host (RFC 5321 §5.1). */
      implicit: boolean;
      /** The MX records came with the AD flag, which DANE asks for (RFC 7672 §2.2). */
      authenticated: boolean;
    }
  /** The domain says that it takes no mail (RFC 7505): a permanent answer. */
  | { kind: "null_mx" }
  /** Permanent as well: there is nowhere to deliver to. */
  | { kind: "no_such_domain"; detail: string }
  /** To be tried again later. */
  | { kind: "failed"; reason: string };

/** More are never tried for one delivery, and a hostile zone may list thousands. */
const maxHosts = 20;
const maxAddresses = 20;

/** Finds the MX hosts of a recipient's domain; `random` (0 ≤ n < 1) orders hosts of equal preference. */
export async function lookUpMx(resolver: Resolver, domain: string, random: () => number): Promise<MxAnswer> {
  const answer = await resolver.resolve(domain, "MX");
  if (answer.kind === "failed") return { kind: "failed", reason: `MX lookup: ${answer.reason}` };
  if (answer.kind === "absent") {
    if (answer.reason === "nodata") return implicitMx(resolver, domain);
    return { kind: "no_such_domain", detail: `The domain ${domain} does not exist.` };
  }
  if (answer.records.every((mx) => mx.exchange === ".")) return { kind: "null_mx" };

  const usable = answer.records.filter((mx) => isHostName(mx.exchange));
  // RFC 5321 §5.1: with MX records of which none can be used there is no falling back on the domain's own address.
  if (usable.length === 0) return { kind: "failed", reason: "MX lookup: no record names a host" };
  const hosts = inOrder(
    usable.map((mx) => ({ name: mx.exchange, preference: mx.preference })),
    random,
  );
  return { kind: "hosts", hosts, implicit: false, authenticated: answer.authenticated };
}

/** `authenticated` stays false: nothing proves to us that the MX record is absent rather than held back. */
async function implicitMx(resolver: Resolver, domain: string): Promise<MxAnswer> {
  const found = await lookUpAddresses(resolver, domain);
  if (found.kind === "failed") return found;
  if (found.kind === "none")
    return { kind: "no_such_domain", detail: `The domain ${domain} has neither MX nor address records.` };
  const host = { name: canonicalName(domain) ?? domain, preference: 0 };
  return { kind: "hosts", hosts: [host], implicit: true, authenticated: false };
}

/** Lowest preference first; equals shuffled, to spread the load as RFC 5321 §5.1 demands; a host once. */
function inOrder(hosts: MxHost[], random: () => number): MxHost[] {
  const drawn = hosts.map((host) => ({ host, lot: random() }));
  drawn.sort((a, b) => a.host.preference - b.host.preference || a.lot - b.lot);
  const byName = new Map<string, MxHost>();
  for (const { host } of drawn) if (!byName.has(host.name)) byName.set(host.name, host);
  return [...byName.values()].slice(0, maxHosts);
}

/** RFC 5321 §2.3.5: an MX names a host. An address there is a mistake, or a try at reaching what we must not. */
function isHostName(name: string): boolean {
  if (isIP(name) !== 0 || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name)) return false;
  return name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/.test(label));
}

export interface HostAddress {
  address: string;
  family: 4 | 6;
}

export type AddressAnswer =
  | { kind: "addresses"; addresses: HostAddress[] }
  | { kind: "none" }
  | { kind: "failed"; reason: string };

/**
 * The addresses of a host, IPv6 first; an address given as the host is its own answer (a smarthost may be one). One
 * family is enough when the other's lookup fails: some servers never answer for AAAA.
 */
export async function lookUpAddresses(resolver: Resolver, host: string): Promise<AddressAnswer> {
  const literal = isIP(host);
  if (literal === 4 || literal === 6)
    return { kind: "addresses", addresses: [{ address: host, family: literal }] };

  const [v6, v4] = await Promise.all([resolver.resolve(host, "AAAA"), resolver.resolve(host, "A")]);
  const addresses: HostAddress[] = [];
  if (v6.kind === "found") for (const address of v6.records) addresses.push({ address, family: 6 });
  const kept = addresses.slice(0, maxAddresses / 2); // so that a long list of one family leaves room for the other
  if (v4.kind === "found")
    for (const address of v4.records.slice(0, maxAddresses - kept.length)) kept.push({ address, family: 4 });
  if (kept.length > 0) return { kind: "addresses", addresses: kept };
  const failed = [v4, v6].find((answer) => answer.kind === "failed");
  return failed ? { kind: "failed", reason: `address lookup: ${failed.reason}` } : { kind: "none" };
}
