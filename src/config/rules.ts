import { isIPv4 } from "node:net";
import { clashes, parseListenAddress } from "./listen-address.ts";
import type { Config } from "./schema.ts";

/** A rule about keys together. It is not asked where one of its keys is itself a mistake. */
interface Rule {
  keys: readonly string[];
  /** The sentence about a mistake. */
  check(config: Config): string | undefined;
}

const rules: readonly Rule[] = [
  needs(
    "tls.certFile",
    ({ tls }) => tls.certFile,
    "tls.mode is files",
    ({ tls }) => tls.mode === "files",
  ),
  needs(
    "tls.keyFile",
    ({ tls }) => tls.keyFile,
    "tls.mode is files",
    ({ tls }) => tls.mode === "files",
  ),
  {
    // Only of the public authority is it known what it refuses; a company's own may certify any name.
    keys: ["tls.mode", "tls.acmeDirectory", "smtpOutbound.hostname"],
    check: ({ tls, smtpOutbound: { hostname } }) =>
      tls.mode === "acme" && isLetsEncrypt(tls.acmeDirectory) && !isPublicName(hostname)
        ? `smtpOutbound.hostname is "${hostname}"; tls.mode is acme, so it must be a public name such as mail.example.com.`
        : undefined,
  },
  needs(
    "database.url",
    ({ database }) => database.url,
    "database.authToken is set",
    ({ database }) => database.authToken !== undefined,
  ),
  // A key made in each node's data folder would open nothing that another node sealed.
  needs(
    "dkim.masterKey",
    ({ dkim }) => dkim.masterKey,
    "database.url is set",
    ({ database }) => database.url !== undefined,
  ),
  ...(["bucket", "accessKeyId", "secretAccessKey"] as const).map((name) =>
    needs(
      `storage.s3.${name}`,
      ({ storage }) => storage.s3[name],
      "storage.backend is s3",
      ({ storage }) => storage.backend === "s3",
    ),
  ),
  ...(["host", "username", "password"] as const).map((name) =>
    needs(
      `smtpOutbound.relay.${name}`,
      ({ smtpOutbound: { relay } }) => relay[name],
      "smtpOutbound.relay has a login",
      ({ smtpOutbound: { relay } }) => relay.username !== undefined || relay.password !== undefined,
    ),
  ),
  {
    // Without TLS, or with TLS that anybody between can strip, the password is everybody's.
    keys: ["smtpOutbound.relay.tls", "smtpOutbound.relay.host", "smtpOutbound.relay.password"],
    check: ({ smtpOutbound: { relay } }) =>
      relay.password !== undefined &&
      (relay.tls === "off" || relay.tls === "opportunistic") &&
      !isLoopback(relay.host ?? "")
        ? `smtpOutbound.relay.tls is "${relay.tls}"; smtpOutbound.relay.password is set, so it must be mandatory or implicit.`
        : undefined,
  },
  ...listenersApart(),
];

/** The sentences about keys that don't go together; `bad` names the keys that have a mistake of their own. */
export function checkRules(config: Config, bad: ReadonlySet<string>): string[] {
  return rules
    .filter((rule) => !rule.keys.some((path) => bad.has(path)))
    .map((rule) => rule.check(config))
    .filter((sentence) => sentence !== undefined);
}

function needs(
  path: string,
  valueIn: (config: Config) => string | undefined,
  reason: string,
  isNeeded: (config: Config) => boolean,
): Rule {
  return {
    keys: [path],
    check: (config) =>
      isNeeded(config) && valueIn(config) === undefined
        ? `${path} is not set; ${reason}, so it must be.`
        : undefined,
  };
}

function listenersApart(): Rule[] {
  const listeners = {
    "server.httpAddr": ({ server }: Config) => server.httpAddr,
    "smtpInbound.addr": ({ smtpInbound }: Config) => (smtpInbound.enabled ? smtpInbound.addr : undefined),
    "smtpSubmission.addr": ({ smtpSubmission }: Config) => smtpSubmission.addr,
    "smtpSubmission.tlsAddr": ({ smtpSubmission }: Config) => smtpSubmission.tlsAddr,
  };
  return Object.entries(listeners).flatMap(([path, addressOf], index, all) =>
    all.slice(0, index).map(([otherPath, otherOf]) => ({
      keys: [path, otherPath],
      check: (config: Config) => {
        const [address, other] = [addressOf(config), otherOf(config)];
        if (address === undefined || other === undefined) return undefined;
        return clashes(parseListenAddress(address), parseListenAddress(other))
          ? `${path} is "${address}" and ${otherPath} is "${other}"; each must be an address of its own.`
          : undefined;
      },
    })),
  );
}

const isLetsEncrypt = (directory: string) => new URL(directory).hostname.endsWith(".letsencrypt.org");

// RFC 6761 and RFC 6762 keep these names from ever being public.
const isPublicName = (name: string) =>
  name.includes(".") && !/\.(test|localhost|local|invalid|example)$/.test(name);

const isLoopback = (host: string) =>
  host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
