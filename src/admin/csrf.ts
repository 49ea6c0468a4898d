import { createHmac, timingSafeEqual } from "node:crypto";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";

/**
 * What forms of one sign-in carry, so that no other site can send them for whoever is signed in. It says of which team
 * its page is, too; `page` tells the forms of one page from those of another, and proves nothing.
 */
export function csrfToken(app: App, { signInId, team }: Whose, page = ""): string {
  return `${proofOf(app, signInId, team.id)}.${team.id}.${page}`;
}

/**
 * A sign-in looks at one team, in all its tabs: a form of a page that shows another one would act on what its sender
 * doesn't see. `isOfAnyTeam`: what it does is about no team.
 */
export function requireCsrfToken(app: App, { signInId, team }: Whose, given: string, isOfAnyTeam = false) {
  const [proof = "", teamId = ""] = given.split(".");
  const [known, shown] = [Buffer.from(proofOf(app, signInId, teamId)), Buffer.from(proof)];
  if (known.length !== shown.length || !timingSafeEqual(known, shown)) {
    throw new Refusal(
      "not_permitted",
      "This page is of an earlier sign-in, and nothing was done. Go back to it, and send it once more.",
    );
  }
  if (teamId === team.id || isOfAnyTeam) return;
  throw new Refusal(
    "already_exists",
    `Nothing was done: you have changed to the team ${team.name} since this page was loaded, and it shows another team. Change back to that team in another tab and send it again, or load the page anew.`,
  );
}

interface Whose {
  signInId: string;
  team: { id: string; name: string };
}

/** The page of a form, as its token says. */
export const pageOfToken = (token: string): string | undefined => token.split(".")[2] || undefined;

const proofOf = (app: App, signInId: string, teamId: string): string =>
  createHmac("sha256", app.secrets.derive("csrf")).update(`${signInId}.${teamId}`).digest("base64url");

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
