import { isIP } from "node:net";
import { IPv4, IPv6 } from "ipaddr.js";

const globalUnicast = IPv6.parseCIDR("2000::/3"); // RFC 4291 §2.4: the only IPv6 addresses the internet routes
const wellKnownNat64 = IPv6.parseCIDR("64:ff9b::/96"); // RFC 6052 §2.1

/**
 * Whether an address belongs to the public internet: the one rule for where we may connect on a stranger's word (MX
 * hosts, webhooks, attachments by URL). False for every special range, for the transition ranges that reach into IPv4
 * (6to4, Teredo), and for anything that is not an address in its usual form: "0177.0.0.1" is 127.0.0.1 to some.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return IPv4.parse(address).range() === "unicast";
    case 6:
      return !address.includes("%") && isPublicIPv6(IPv6.parse(address)); // a zone is of this machine only
    default:
      return false;
  }
}

function isPublicIPv6(address: IPv6): boolean {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().range() === "unicast";
  if (address.match(wellKnownNat64)) return embeddedIPv4(address).range() === "unicast";
  return address.match(globalUnicast) && address.range() === "unicast";
}

/** A host behind NAT64 sees all of IPv4 under this prefix, private ranges too if its gateway is careless. */
function embeddedIPv4(address: IPv6): IPv4 {
  return new IPv4(address.toByteArray().slice(12));
}
