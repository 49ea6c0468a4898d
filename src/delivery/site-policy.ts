import type { Config } from "../config/schema.ts";
import { defaultLimits, presets } from "./presets.ts";

/** How a site is sent to: its limits, and whose table of replies is asked first. */
export interface SitePolicy {
  /** A preset's name, or "default". */
  provider: string;
  /** Connections at most; a site starts at min(5, this) and grows. */
  connections: number;
  messagesPerConnection: number;
  /** How long an unused connection is kept. */
  idleMs: number;
  /** Token bucket; undefined: as fast as the host takes it. */
  rate?: { messages: number; perMs: number };
  /** Undefined: as `smtpOutbound.tls` has it. */
  tls?: "opportunistic" | "mandatory" | "off";
}

/**
 * The policy for a site, from its MX hosts' names (lower-case) and the recipient's domain: configuration first, then
 * presets, then the default. One host is enough to match, so that the order of the hosts does not matter.
 */
export function sitePolicy(
  config: Config,
  { hosts, domain }: { hosts: readonly string[]; domain: string },
): SitePolicy {
  const named = config.smtpOutbound.sites.find(({ match }) =>
    [...hosts, domain].some((name) => matches(match, name)),
  );
  // Not by domain: gmail.com by way of somebody's filter is the filter's to judge.
  const preset = presets.find(({ mx }) => mx.some((pattern) => hosts.some((host) => matches(pattern, host))));
  const { connections, messagesPerConnection, idle: idleMs, rate, tls } = named ?? {};
  return {
    provider: preset?.name ?? "default",
    connections: connections ?? preset?.connections ?? defaultLimits.connections,
    messagesPerConnection:
      messagesPerConnection ?? preset?.messagesPerConnection ?? defaultLimits.messagesPerConnection,
    idleMs: idleMs ?? preset?.idleMs ?? defaultLimits.idleMs,
    rate: rate ?? preset?.rate,
    tls,
  };
}

// Asked for every outcome, and the hosts are few.
const providers = new Map<string, string | undefined>();
const mostHosts = 1_000;

/** The large provider a host belongs to, where it is one that is known. */
export function providerOf(host: string | null | undefined): string | undefined {
  if (!host) return undefined;
  const name = host.toLowerCase();
  if (providers.has(name)) return providers.get(name);
  const provider = presets.find(({ mx }) => mx.some((pattern) => matches(pattern, name)))?.name;
  if (providers.size >= mostHosts) providers.clear();
  providers.set(name, provider);
  return provider;
}

/** Whether a name is as the pattern has it. Names hold no `/`, so that `*` spans labels: `*.google.com`, `aspmx.l.google.com`. */
const matches = (pattern: string, name: string) =>
  pattern.includes("*") ? new Bun.Glob(pattern).match(name) : pattern === name;
