import { domainToASCII } from "node:url";

/** One mailbox (RFC 5322 §3.4, RFC 6532), taken apart and safe to put into an envelope. */
export type Address = {
  /** The display name, without its quotes. */
  name?: string;
  /** `local@domain`: the local part's case is kept, the domain is ASCII and lower-case. */
  address: string;
  local: string;
  domain: string;
};

// RFC 5321 §4.5.3.1 counts octets, and the 254 is what is left of a 256 octet path without its angle brackets.
const maxLocalOctets = 64;
const maxAddressOctets = 254;
const maxDomainOctets = 253;
// A name is one header line at worst, which must stay far from 998 octets.
const maxNameOctets = 320;

const unwanted = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
// A quoted local part is refused on purpose: hosts disagree about which `@` splits it, and nobody has such a mailbox.
const dotAtom =
  /^(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\0-\x7f])[\p{L}\p{M}\p{N}\p{S}\p{P}])+(?:\.(?:[a-z0-9!#$%&'*+/=?^_`{|}~-]|(?![\0-\x7f])[\p{L}\p{M}\p{N}\p{S}\p{P}])+)*$/iu;
const domainCharacters = /^[\p{L}\p{M}\p{N}.-]+$/u;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const quotedName = /^"((?:[^"\\]|\\.)*)"$/su;
// What would make a list, a group, a comment, a route or a second address out of an unquoted name.
const nameSpecials = /["(),:;<>@\\]/;

/**
 * Reads `a@example.com` or `Name <a@example.com>`. Anything that two parsers could read differently is undefined: lists,
 * groups, comments, routes, domain literals, control characters, text behind the address.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > maxNameOctets + maxAddressOctets || unwanted.test(text)) return undefined;
  const trimmed = text.trim();
  if (!trimmed.endsWith(">")) return parseMailbox(trimmed);

  const open = trimmed.lastIndexOf("<");
  if (open === -1) return undefined;
  const mailbox = parseMailbox(trimmed.slice(open + 1, -1));
  const name = parseName(trimmed.slice(0, open).trim());
  if (mailbox === undefined || name === undefined) return undefined;
  return name === "" ? mailbox : { name, ...mailbox };
}

/** The address as a header shows it, with its name quoted; names beyond ASCII are encoded by `composeMessage`. */
export function formatAddress({ name, address }: Pick<Address, "name" | "address">): string {
  const shown = name?.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  if (shown === undefined || shown === "") return address;
  const isAtoms = /^[\p{L}\p{M}\p{N}_ ]+$/u.test(shown);
  return `${isAtoms ? shown : `"${shown.replace(/["\\]/g, "\\$&")}"`} <${address}>`;
}

/**
 * What two spellings of one mailbox have in common. RFC 5321 §2.4 lets a host tell local parts apart by case, but none
 * that matters does, and a suppressed person must not be reached through a capital letter.
 */
export function recipientKey(address: string): string {
  return address.normalize("NFC").toLowerCase();
}

/** Whether SQLite, whose `lower` and `nocase` know ASCII alone, would not come from the address to its `recipientKey`. */
export function hasForeignCapitals(address: string): boolean {
  return (
    /[^\0-\x7f]/.test(address) &&
    recipientKey(address) !== address.replace(/[A-Z]+/g, (part) => part.toLowerCase())
  );
}

/** A domain's ASCII, lower-case form (RFC 5891), or undefined when it is no domain name that mail can go to. */
export function asciiDomain(text: string): string | undefined {
  // Checked before the conversion: a URL's host may contain what a domain may not, and is then silently cut or decoded.
  if (!domainCharacters.test(text)) return undefined;
  const domain = /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : domainToASCII(text);
  const labels = domain.split(".");
  if (domain.length > maxDomainOctets || labels.length < 2) return undefined;
  // A numeric last label would be an IP address to anything that resolves it.
  if (!labels.every((part) => label.test(part)) || /^[0-9]+$/.test(labels.at(-1)!)) return undefined;
  return domain;
}

function parseMailbox(text: string): Address | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1) return undefined;
  const local = text.slice(0, at);
  const domain = asciiDomain(text.slice(at + 1));
  if (domain === undefined || !dotAtom.test(local) || Buffer.byteLength(local) > maxLocalOctets)
    return undefined;
  const address = `${local}@${domain}`;
  return Buffer.byteLength(address) > maxAddressOctets ? undefined : { address, local, domain };
}

function parseName(text: string): string | undefined {
  const quoted = quotedName.exec(text)?.[1];
  if (quoted === undefined && nameSpecials.test(text)) return undefined;
  // Runs of spaces would let a fold put an all but empty line into the header.
  const name = (quoted === undefined ? text : quoted.replace(/\\(.)/gsu, "$1")).replace(/\s+/gu, " ").trim();
  return Buffer.byteLength(name) > maxNameOctets ? undefined : name;
}
