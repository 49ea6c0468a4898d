import ipaddr from "ipaddr.js";
import { Refusal } from "../errors.ts";

export type Network = [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const mostNetworks = 100;

/** A list of addresses and networks as it is stored: each once, in one spelling, without what a network's mask leaves out. */
export function readAllowedIps(given: readonly string[]): string[] {
  if (given.length > mostNetworks) {
    throw new Refusal(
      "validation_error",
      `Invalid \`allowed_ips\` field. A key has at most ${mostNetworks} addresses and networks.`,
    );
  }
  return [...new Set(given.map(readNetwork))];
}

function readNetwork(text: string): string {
  const network = parse(text.trim());
  if (!network) {
    throw new Refusal(
      "validation_error",
      `Invalid \`allowed_ips\` field. ${JSON.stringify(text.slice(0, 60))} is neither an IP address, such as 203.0.113.7, nor a network, such as 203.0.113.0/24 or 2001:db8::/32.`,
    );
  }
  const [address, bits] = network;
  return bits === widthOf(address) ? address.toString() : `${address}/${bits}`;
}

function parse(text: string): Network | undefined {
  const [, written = "", digits] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  if (!ipaddr.IPv4.isValidFourPartDecimal(written) && !ipaddr.IPv6.isValid(written)) return undefined;
  const address = ipaddr.parse(written);
  const bits = digits === undefined ? widthOf(address) : Number(digits);
  if (bits > widthOf(address)) return undefined;
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) {
    // IPv4 in IPv6's clothes (RFC 4291 §2.5.5.2): clients are known by their IPv4 address.
    return bits < 96 ? undefined : parse(`${address.toIPv4Address()}/${bits - 96}`);
  }
  const kind = address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
  return [kind.networkAddressFromCIDR(`${written}/${bits}`), bits];
}

const widthOf = (address: ipaddr.IPv4 | ipaddr.IPv6) => (address.kind() === "ipv4" ? 32 : 128);

/** The stored list, ready to be asked. */
export function parseAllowedIps(stored: readonly string[]): Network[] {
  return stored.map((text) => {
    const network = parse(text);
    // To leave it out could leave none, which would open the key to everybody.
    if (!network) throw new Error("a network stored with a key can't be read");
    return network;
  });
}

/** Refuses a key that may be used from some networks only, where `address` is in none of them. */
export function requireAllowedAddress(networks: readonly Network[], address: string): void {
  if (networks.length === 0) return;
  const client = ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
  const isIn = ([network, bits]: Network) => client?.kind() === network.kind() && client.match(network, bits);
  if (networks.some(isIn)) return;
  throw new Refusal(
    "not_permitted",
    `This API key can't be used from ${address}. Add the address or its network to the key's \`allowed_ips\`, or use another key.`,
  );
}
