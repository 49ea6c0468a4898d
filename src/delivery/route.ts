import { createHash } from "node:crypto";
import { networkInterfaces } from "node:os";
import type { App } from "../app.ts";
import { parseListenAddress } from "../config/listen-address.ts";
import { isPublicAddress } from "../dns/address-range.ts";
import { lookUpAddresses, lookUpMx, type MxHost } from "../dns/mx.ts";
import { hostMemory } from "./hosts.ts";
import type { Outcome, TriedOutcome } from "./outcome.ts";

/** Where mail for a domain goes. */
export interface Route {
  kind: "hosts";
  /** The recipient's domain. */
  domain: string;
  /** What domains with the same hosts share; also the name of their lane. */
  site: string;
  /** In the order to try them. */
  hosts: string[];
  port: number;
  /** Whether the host is our own smarthost, which we log in to and trust. */
  isRelay: boolean;
}

export type NoRoute = { kind: "none"; outcome: TriedOutcome };

/** One address of one host. */
export interface Hop {
  host: string;
  address: string;
  port: number;
  /** There is another address of this host to fall back on, of a family that works more often. */
  isHopeful: boolean;
}

/** Hosts beyond this are left for the next attempt: an attempt should end before its successor is due. */
const maxHostsPerAttempt = 5;
const maxAddressesPerHost = 4;

/** Where mail for a domain goes: to the smarthost if there is one, else to the domain's MX hosts. */
export async function findRoute(app: App, domain: string): Promise<Route | NoRoute> {
  const { relay, port } = app.config.smtpOutbound;
  if (relay.host) {
    return { kind: "hosts", domain, site: relay.host, hosts: [relay.host], port: relay.port, isRelay: true };
  }
  const answer = await lookUpMx(app.dns, domain, app.random);
  switch (answer.kind) {
    case "hosts": {
      const hosts = beforeOurselves(app, answer.hosts).map(({ name }) => name);
      if (hosts.length === 0) {
        return bounce(
          `554 5.4.6 Mail for ${domain} leads back to this server, which does not take it: its MX is ${app.config.smtpOutbound.hostname}`,
        );
      }
      const site = siteName(answer.hosts);
      return { kind: "hosts", domain, site, hosts: hosts.slice(0, maxHostsPerAttempt), port, isRelay: false };
    }
    case "null_mx":
      return bounce(`556 5.1.10 ${domain} accepts no mail (null MX)`);
    case "no_such_domain":
      return bounce(`550 5.1.2 ${answer.detail}`);
    case "failed":
      return defer(`The MX records of ${domain} could not be looked up: ${answer.reason}`);
  }
}

/** RFC 5321 §5.1: hosts that are no better than ourselves would only send the message back. */
function beforeOurselves(app: App, hosts: MxHost[]): MxHost[] {
  const { hostname, localAddresses } = app.config.smtpOutbound;
  const names = new Set([hostname, ...localAddresses.flatMap(({ ehloName }) => ehloName ?? [])]);
  const ours = hosts.filter(({ name }) => names.has(name)).map(({ preference }) => preference);
  const limit = Math.min(...ours); // Infinity where none is ours
  return hosts.filter(({ preference }) => preference < limit);
}

/**
 * The same name for the same set of hosts, whatever their order and preferences: it names a lane, so it is one an
 * operator can read.
 */
export function siteName(hosts: MxHost[]): string {
  const [first = "", ...others] = hosts.map(({ name }) => name).sort();
  if (others.length === 0) return first;
  const digest = createHash("sha256")
    .update([first, ...others].join(" "))
    .digest("hex")
    .slice(0, 8);
  return `${first}+${others.length}-${digest}`;
}

/**
 * The addresses to try for a host, or why there are none. Private ones are refused: a stranger's DNS must not lead us
 * into our own network. Addresses that could not be reached a moment ago are left out.
 */
export async function findHops(app: App, host: string, route: Route): Promise<Hop[] | Outcome> {
  const found = await lookUpAddresses(app.dns, host);
  if (found.kind === "failed") return later(`${host} could not be looked up: ${found.reason}`);
  if (found.kind === "none") return later(`${host} has no address`, host);

  const mayBePrivate = route.isRelay || app.config.smtpOutbound.allowPrivateAddresses;
  const allowed = found.addresses.filter(({ address }) => mayBePrivate || isPublicAddress(address));
  if (allowed.length === 0) {
    const said = `550 5.4.4 ${host} has only private addresses, which no mail is sent to`;
    return { kind: "bounced", said, class: "infrastructure", suppress: false, host };
  }
  const others = allowed.filter(({ address }) => route.isRelay || !isOurs(app, address, route.port));
  if (others.length === 0) {
    const said = `554 5.4.6 Mail for ${route.domain} leads back to this server, which does not take it: ${host} is this machine`;
    return { kind: "bounced", said, class: "infrastructure", suppress: false, host };
  }
  const hasIPv6 = machineHasIPv6();
  // RFC 5321 §5.2 leaves the order to us. Without an IPv6 address of our own, theirs would only cost time.
  const ordered = [...others].sort((a, b) => (hasIPv6 ? b.family - a.family : a.family - b.family));
  const hops = ordered.slice(0, maxAddressesPerHost).map(({ address, family }, at, list) => ({
    host,
    address,
    port: route.port,
    isHopeful: family === 6 && list.slice(at + 1).some((next) => !next.address.includes(":")),
  }));
  return reachable(app, host, hops);
}

function reachable(app: App, host: string, hops: Hop[]): Hop[] | Outcome {
  const now = app.now();
  const known = hops.map(({ address, port }) => hostMemory(app).unreachable(hopKey(address, port), now));
  const open = hops.filter((_, at) => !known[at]);
  if (open.length > 0) return open;
  const [last] = known.toReversed();
  const seconds = Math.round((now.getTime() - last!.since.getTime()) / 1_000);
  return {
    ...later(`${host}: ${last!.reason} ${seconds} s ago; not asked again yet`, host),
    limiter: `${host} could not be reached; it is asked again from ${last!.until.toISOString()} on`,
  };
}

export const hopKey = (address: string, port: number): string => `${address} ${port}`;

/** Whether an address and port are where this very program listens. */
function isOurs(app: App, address: string, port: number): boolean {
  const { smtpInbound, smtpOutbound } = app.config;
  if (!smtpInbound.enabled || port !== parseListenAddress(smtpInbound.addr).port) return false;
  if (smtpOutbound.localAddresses.some((local) => local.address === address)) return true;
  return ownAddresses().some((own) => own.address === address && !own.internal);
}

const ownAddressesKeptMs = 10_000;
let own: { addresses: ReturnType<typeof readOwnAddresses>; at: number } | undefined;

const readOwnAddresses = () => Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);

function ownAddresses() {
  const now = performance.now();
  if (!own || now - own.at > ownAddressesKeptMs) own = { addresses: readOwnAddresses(), at: now };
  return own.addresses;
}

function machineHasIPv6(): boolean {
  return ownAddresses().some(
    ({ family, internal, address }) => family === "IPv6" && !internal && isPublicAddress(address),
  );
}

// A domain's DNS can be mended within the hour: it never suppresses an address, whatever it says.
function bounce(said: string): NoRoute {
  return { kind: "none", outcome: { kind: "bounced", said, class: "infrastructure", suppress: false } };
}

function defer(said: string): NoRoute {
  return { kind: "none", outcome: later(said) };
}

function later(said: string, host?: string): Outcome & { kind: "deferred" } {
  return { kind: "deferred", said, class: "infrastructure", host };
}
