import { recipientKey } from "../mail/address.ts";
import type { InboundRoute } from "./schema.ts";

/** The first route for an address; undefined where none is for it, and its mail is simply stored. */
export function findRoute(
  routes: readonly InboundRoute[],
  { local, domain }: { local: string; domain: string },
): InboundRoute | undefined {
  const key = recipientKey(local);
  return routes.find((route) => matches(route, key, domain));
}

function matches({ match, value }: InboundRoute, local: string, domain: string): boolean {
  switch (match) {
    case "address":
      return value === `${local}@${domain}`;
    case "pattern":
      return fits(value, local);
    case "plus":
      return local.split("+", 1)[0] === value;
    case "catch_all":
      return true;
  }
}

/** Whether text is as a pattern has it. In one pass and without a regular expression: both are written by strangers. */
function fits(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let retryAt = 0;
  while (at < text.length) {
    if (pattern[from] === "*") {
      star = from++;
      retryAt = at;
    } else if (from < pattern.length && (pattern[from] === "?" || pattern[from] === text[at])) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1; // the star takes one character more
      at = ++retryAt;
    } else return false;
  }
  while (pattern[from] === "*") from++;
  return from === pattern.length;
}
