import { createHmac, timingSafeEqual } from "node:crypto";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";

/**
 * What forms of one sign-in carry, so that no other site can send them for whoever is signed in. `page` tells the forms
 * of one page from those of another, and proves nothing.
 */
export function csrfToken(app: App, signInId: string, page = ""): string {
  const proof = createHmac("sha256", app.secrets.derive("csrf")).update(signInId).digest("base64url");
  return page === "" ? proof : `${proof}.${page}`;
}

export function requireCsrfToken(app: App, signInId: string, given: string): void {
  const [known, shown] = [Buffer.from(csrfToken(app, signInId)), Buffer.from(given.split(".")[0]!)];
  if (known.length === shown.length && timingSafeEqual(known, shown)) return;
  throw new Refusal(
    "not_permitted",
    "This form is not of this sign-in any more: load the page again and send it once more.",
  );
}

/**
 * Browsers say where a write comes from (Fetch Metadata, or Origin where they are older or there is no TLS); one from
 * another site is refused before anything is read. This is all a sign-in form has: nobody is known yet.
 */
export function requireSameSite(app: App, request: Request): void {
  const site = request.headers.get("sec-fetch-site");
  const origin = request.headers.get("origin");
  const isOurs = site === null ? origin === null || isOurHost(app, origin, request) : sameSites.has(site);
  if (isOurs) return;
  throw new Refusal(
    "not_permitted",
    "This form was sent from another site. Open the admin by its own address.",
  );
}

/** `none`: the person themselves, by the address bar. */
const sameSites = new Set(["same-origin", "none"]);

/** By host alone: behind a proxy with TLS the scheme we see is another than the browser's. */
function isOurHost(app: App, origin: string, { headers, url }: Request): boolean {
  const host = URL.parse(origin)?.host;
  const ours = [headers.get("x-forwarded-host"), headers.get("host") ?? new URL(url).host];
  return host !== undefined && [...ours, new URL(app.config.server.publicUrl).host].includes(host);
}
