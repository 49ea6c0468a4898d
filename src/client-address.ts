import ipaddr from "ipaddr.js";

/** What Elysia's `server` and Bun's both can: say who is at the other end of a request's connection. */
export interface Connections {
  requestIP(request: Request): { address: string } | null;
}

export type ReadClientAddress = (request: Request, server: Connections | null | undefined) => string;

interface ReadAddress {
  ip: ipaddr.IPv4 | ipaddr.IPv6;
  text: string;
}

/** More proxies than anybody has in a row; a header may hold thousands of addresses. */
const mostHops = 20;

/**
 * Makes what tells the address a request comes from. `X-Forwarded-For` is written by anyone who likes, so it is read
 * from its end, where the nearest proxy wrote, and only as far as the proxies are trusted ones. A request that came
 * over no connection (in a test) is from `local`.
 */
export function clientAddressReader(trustedProxies: readonly string[]): ReadClientAddress {
  const networks = trustedProxies.map((network) => ipaddr.parseCIDR(network));
  const isTrusted = ({ ip }: ReadAddress) =>
    networks.some(([network, bits]) => network.kind() === ip.kind() && ip.match(network, bits));
  const readAddress = rememberingReader();

  return (request, server) => {
    let address = readAddress(server?.requestIP(request)?.address);
    if (!address) return "local";
    const forwarded = request.headers.get("x-forwarded-for");
    if (forwarded === null) return address.text;
    for (const hop of forwarded.split(",").slice(-mostHops).reverse()) {
      if (!isTrusted(address)) break;
      const named = readAddress(hop.trim());
      if (!named) break; // what is before a bad entry was not written by a proxy we know
      address = named;
    }
    return address.text;
  };
}

const mostRemembered = 1_000;

/** Reads addresses once: clients come back, and this is asked for every request. */
function rememberingReader(): (text: string | undefined) => ReadAddress | undefined {
  const known = new Map<string, ReadAddress>();
  return (text) => {
    if (text === undefined) return undefined;
    const remembered = known.get(text);
    if (remembered) return remembered;
    const ip = parseAddress(text);
    if (!ip) return undefined;
    const read = { ip, text: ip.toString() };
    if (known.size >= mostRemembered) known.clear();
    known.set(text, read);
    return read;
  };
}

/** An address, with the port some proxies write behind it; one spelling for IPv4 however it came (RFC 4291 §2.5.5.2). */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
  const address = bare?.[1] ?? bare?.[2] ?? text;
  // Only the four-part form: elsewhere "1" and "0x7f.1" are addresses too.
  const isUsual = ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address);
  return isUsual ? ipaddr.process(address) : undefined;
}

/** A proxy on this machine would make everybody look like this machine; it says so in one of these. */
const forwarding = ["x-forwarded-for", "x-real-ip", "forwarded", "via", "cf-connecting-ip"];

/** Whether a request comes from a program on this machine, and not through a proxy on it. */
export function isFromThisMachine(request: Request, server: Connections | null | undefined): boolean {
  const address = server?.requestIP(request)?.address ?? "";
  const isHere = ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
  return isHere && !forwarding.some((name) => request.headers.has(name));
}

/** A host of a URL that leads nowhere but to the machine it is asked on. */
export const isLoopbackName = (host: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host);

/**
 * Whether a person or program on this machine asks it by a name of its own: a page elsewhere whose name leads here (DNS
 * rebinding) asks from this machine as well.
 */
export function isAtThisMachine(request: Request, server: Connections | null | undefined): boolean {
  return isFromThisMachine(request, server) && isLoopbackName(new URL(request.url).hostname);
}

/** Whom to count an address for: one IPv6 subscriber has at least a /64 (RFC 6177 §2), and so more than anybody could count. */
export function sourceOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address;
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(":");
}
