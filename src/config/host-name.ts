import { isIP } from "node:net";
import { domainToASCII } from "node:url";

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * A host name in the form the wire wants (RFC 1123 §2.1): lower case, international names as `xn--`, no final dot.
 * Undefined when it can't be one; an IP address is none.
 */
export function readHostName(text: string): string | undefined {
  // Only letters, digits and what IDNA can map go in: domainToASCII would read "a/b" or "a:1" as a URL's host.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(text)) return undefined;
  const name = domainToASCII(text.toLowerCase().replace(/\.$/, ""));
  const labels = name.split(".");
  // A name that ends in a number is read as an IPv4 address by resolvers and URLs alike ("127.1").
  if (name.length > 253 || isIP(name) !== 0 || /^\d+$/.test(labels.at(-1) ?? "")) return undefined;
  return labels.every((part) => label.test(part)) ? name : undefined;
}
