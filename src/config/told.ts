/** What of the configuration the server tells its people: how to reach it, and what they ask about. No secret is among it. */
import { parseListenAddress } from "./listen-address.ts";
import { type Config, namedKeys } from "./schema.ts";

/** How programs hand in mail by SMTP. */
export interface SmtpAccess {
  host: string;
  /** Undefined where the system chose it, as in tests: then only the greeting of the server knows it. */
  startTls: number | undefined;
  tls: number | undefined;
  /** Whether its certificate vouches for itself, so that a program must be told not to check it. */
  isSelfSigned: boolean;
}

export function smtpAccess(config: Config, isSandbox: boolean): SmtpAccess {
  const { server, smtpOutbound, smtpSubmission, tls } = config;
  return {
    // The sandbox's own name is one that nobody can look up.
    host: isSandbox ? new URL(server.publicUrl).hostname : smtpOutbound.hostname,
    startTls: portOf(smtpSubmission.addr),
    tls: portOf(smtpSubmission.tlsAddr),
    isSelfSigned: tls.mode !== "files",
  };
}

function portOf(address: string): number | undefined {
  const { port } = parseListenAddress(address);
  return port === 0 ? undefined : port;
}

export interface ToldSetting {
  path: string;
  env: string;
  doc: string;
  /** As the configuration is written. */
  value: string;
}

export const toldSettings = (config: Config): ToldSetting[] =>
  toldKeys.map(([path, show]) => {
    const { key, env } = namedKeys.find((each) => each.path === path)!;
    const value = path.split(".").reduce<unknown>((at, name) => (at as never)[name], config);
    return { path, env, doc: key.doc, value: show(value) };
  });

const asIs = (value: unknown) => (value === undefined ? "none" : String(value));

/** As the configuration is written: the largest unit that leaves no fraction. */
const inUnits = (units: readonly (readonly [string, number])[]) => (value: unknown) => {
  const one = (amount: unknown) => {
    if (typeof amount !== "number") return String(amount);
    const [unit, size] = units.find(([, size]) => amount % size === 0 && amount >= size) ?? units.at(-1)!;
    return `${amount / size}${unit}`;
  };
  return Array.isArray(value) ? value.map(one).join(", ") : one(value);
};
const duration = inUnits([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
]);
const size = inUnits([
  ["GB", 1e9],
  ["MB", 1e6],
  ["KB", 1000],
  [" bytes", 1],
]);

const toldKeys = [
  ["smtpOutbound.hostname", asIs],
  ["server.publicUrl", asIs],
  ["smtpOutbound.tls", asIs],
  ["smtpOutbound.retryDelays", duration],
  ["smtpOutbound.giveUpAfter", duration],
  ["smtpInbound.maxMessageBytes", size],
  ["server.maxBodyBytes", size],
  ["rateLimit.enabled", asIs],
  ["rateLimit.requestsPerSecond", asIs],
  ["rateLimit.loginsPerMinute", asIs],
  ["retention.content", duration],
  ["retention.inbound", duration],
  ["retention.events", duration],
  ["retention.webhooks", duration],
  ["retention.links", duration],
  ["retention.logs", duration],
  ["auth.registration", asIs],
] as const;
