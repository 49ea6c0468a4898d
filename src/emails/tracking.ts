/** What is tracked of an email, decided when it is accepted: its messages must be the same at every retry. */
import type { App } from "../app.ts";
import { trackingHostOf } from "../domains/name.ts";
import type { SendingDomain } from "../domains/service.ts";
import { linksOf } from "../mail/html-links.ts";
import type { AdmittedEmail } from "./admit.ts";
import type { EmailTracking } from "./schema.ts";

export function trackingOf(app: App, domain: SendingDomain): EmailTracking | null {
  const { openTracking: opens, clickTracking: clicks, trackingVerifiedAt } = domain;
  if (!opens && !clicks) return null;
  // Nobody but the sandbox itself believes that its domains exist.
  const host = trackingVerifiedAt !== null && !app.sandbox ? trackingHostOf(domain) : undefined;
  return { opens, clicks, host: host ?? null };
}

/**
 * What tracking addresses begin with: this server's public URL, under the domain's own host where that leads here. The
 * host is kept with the email and the rest is not, so that a public URL which was wrong is mended for what waits.
 */
export function trackingBase({ config }: Pick<App, "config">, { host }: EmailTracking): string {
  const url = new URL(config.server.publicUrl);
  if (host !== null) url.hostname = host;
  return url.origin;
}

export type FoundLink = [id: string, url: string];
export type LinksOf = (html: string) => FoundLink[];

/** From about here on, looking through HTML takes longer than other requests should wait. */
const bigHtml = 100_000;

/** Looks for the links of emails, in another thread where that takes long; what it gives then knows them. */
export async function findLinks(app: App, emails: AdmittedEmail[]): Promise<LinksOf> {
  const big = new Set(
    emails.flatMap(({ draft: { html }, domain, source }) =>
      !source && html !== undefined && html.length >= bigHtml && domain.clickTracking ? [html] : [],
    ),
  );
  if (big.size === 0) return linksOf;
  const found = new Map(
    await Promise.all([...big].map(async (html) => [html, await app.threads.findLinks(html)] as const)),
  );
  return (html) => found.get(html) ?? linksOf(html);
}
