import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { ConfigFault } from "../errors.ts";

export interface DnsServer {
  address: string;
  port: number;
}

/**
 * The servers to ask: the configured ones, else those of the operating system, else one on this machine. Throws a
 * ConfigFault for an entry that is not an address, because a server's name could not be looked up without a server.
 */
export function dnsServers(configured: string[], resolvConf = "/etc/resolv.conf"): DnsServer[] {
  if (configured.length > 0) return configured.map(parseServer);
  const found = serversOfResolvConf(readIfThere(resolvConf));
  return found.length > 0 ? found : [{ address: "127.0.0.1", port: 53 }];
}

function parseServer(text: string): DnsServer {
  const [, bracketed, dotted, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const address = bracketed ?? dotted ?? text.trim(); // neither: perhaps a bare IPv6 address
  const number = port === undefined ? 53 : Number(port);
  if (isIP(address) === 0 || number < 1 || number > 65535)
    throw new ConfigFault(
      `dns.servers: "${text}" is not the address of a DNS server; write e.g. 127.0.0.1:53 or [::1]:53.`,
    );
  return { address, port: number };
}

/** The `nameserver` lines of resolv.conf(5); what is not an address is passed over, as the C library does. */
function serversOfResolvConf(text: string): DnsServer[] {
  return text
    .split("\n")
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1])
    .filter((address) => address !== undefined && isIP(address) !== 0)
    .map((address) => ({ address: address!, port: 53 }));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // a container without the file still has the fallback
  }
}
