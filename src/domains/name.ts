import { isIP } from "node:net";
import { getPublicSuffix } from "tldts";
import { readHostName } from "../config/host-name.ts";
import { Refusal } from "../errors.ts";
import type { Domain } from "./schema.ts";

/** What stands in front of a domain's name in its longest record must fit as well (RFC 1035 §2.3.4). */
const maxHostLength = 253;

/** A sending domain's name as it is stored and compared: ASCII (A-labels), lower-case, no final dot. */
export function readDomainName(text: string): string {
  const typed = text.trim();
  if (typed === "") throw new Refusal("missing_required_field", "Missing `name` field.");
  if (typed.length > maxHostLength + 1) throw badName(`It has more than ${maxHostLength} characters.`);
  if (isIP(typed.replace(/^\[|\]$/g, "")) !== 0) throw badName("An IP address can't be a sending domain.");
  const name = readHostName(typed);
  if (name === undefined) {
    throw badName("It must be a domain name such as `example.com`, without a scheme, a path or an address.");
  }
  if (!name.includes(".")) throw badName("It must have at least two labels, such as `example.com`.");
  // Private suffixes count: whoever owned `github.io` here would own the mail of all its customers.
  if (getPublicSuffix(name, { allowPrivateDomains: true }) === name) {
    throw badName(
      `\`${name}\` is a suffix under which others register domains; add the domain you registered.`,
    );
  }
  return name;
}

/** The label of the return path under a domain, such as `send`. */
export function readReturnPathLabel(text: string): string {
  return readLabel("custom_return_path", text);
}

/**
 * What stands in front of a domain's name in the host of its tracking links: `links`, also where it is given as
 * `links.example.com`.
 */
export function readTrackingLabel(
  text: string,
  { name, returnPathLabel }: Pick<Domain, "name" | "returnPathLabel">,
): string {
  const host = text.trim().toLowerCase().replace(/\.$/, "");
  const isFull = host.endsWith(`.${name}`);
  if (host.includes(".") && !isFull) {
    throw new Refusal(
      "validation_error",
      `Invalid \`tracking_subdomain\` field. It must be a label such as \`links\`, or a host under the domain such as \`links.${name}\`.`,
    );
  }
  const labels = (isFull ? host.slice(0, -(name.length + 1)) : host).split(".");
  const label = labels.map((each) => readLabel("tracking_subdomain", each)).join(".");
  if (label === returnPathLabel) {
    // RFC 1034 §3.6.2: a name with a CNAME has no other records, and the return path needs MX and TXT.
    throw new Refusal(
      "validation_error",
      `Invalid \`tracking_subdomain\` field. \`${label}\` is the domain's return path; choose another name.`,
    );
  }
  return label;
}

/** The tracking label of a domain, whether it was chosen or not. */
export function trackingLabelOf({
  trackingLabel,
  returnPathLabel,
}: Pick<Domain, "trackingLabel" | "returnPathLabel">): string {
  return trackingLabel ?? (returnPathLabel === "links" ? "track" : "links");
}

/** The host a domain's tracking links stand under; undefined when it tracks nothing and none was chosen. */
export function trackingHostOf(
  domain: Pick<Domain, "name" | "trackingLabel" | "returnPathLabel" | "openTracking" | "clickTracking">,
): string | undefined {
  const isTracking = domain.openTracking || domain.clickTracking || domain.trackingLabel !== null;
  return isTracking ? `${trackingLabelOf(domain)}.${domain.name}` : undefined;
}

/** Refuses a domain so long that one of its records could not be published. */
export function checkRecordHosts(name: string, hosts: string[]): void {
  if (hosts.some((host) => host.length > maxHostLength)) {
    throw badName(
      `\`${name}\` is too long: its records' names would have more than ${maxHostLength} characters.`,
    );
  }
}

function readLabel(field: string, text: string): string {
  const label = text.trim().toLowerCase();
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) {
    throw new Refusal(
      "validation_error",
      `Invalid \`${field}\` field. It must have at most 63 letters, digits and hyphens, begin with a letter and end with a letter or a digit.`,
    );
  }
  return label;
}

function badName(why: string): Refusal {
  return new Refusal("validation_error", `Invalid \`name\` field. ${why}`);
}
