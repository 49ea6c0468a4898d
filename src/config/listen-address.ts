import { isIPv4, isIPv6 } from "node:net";
import { ConfigFault } from "../errors.ts";
import { readHostName } from "./host-name.ts";

/** Where a server listens. Without a host name it listens on every address; port 0 lets the system choose one. */
export interface ListenAddress {
  hostname?: string;
  port: number;
}

/** Reads ":8080", "127.0.0.1:0", "localhost:25" or "[::1]:25"; anything else is a ConfigFault. */
export function parseListenAddress(text: string): ListenAddress {
  const address = readListenAddress(text);
  if (address === undefined) {
    throw new ConfigFault(
      `${JSON.stringify(text)} is no address to listen on, such as :8080 or 127.0.0.1:8080.`,
    );
  }
  return address;
}

/** As parseListenAddress, for a caller that has its own words for a mistake. */
export function readListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, bare = "", digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { hostname: bracketed, port } : undefined;
  if (bare === "") return { port };
  if (isIPv4(bare)) return { hostname: bare, port };
  const hostname = readHostName(bare);
  return hostname === undefined ? undefined : { hostname, port };
}

/** Whether two servers can't have both addresses. Port 0 never clashes: the system finds a free one. */
export function clashes(a: ListenAddress, b: ListenAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return isEveryAddress(a) || isEveryAddress(b) || a.hostname === b.hostname;
}

/** Whether an address means every interface of the machine, so that its host is no name to reach it by. */
export function isEveryAddress({ hostname }: ListenAddress): boolean {
  return hostname === undefined || hostname === "0.0.0.0" || hostname === "::";
}
