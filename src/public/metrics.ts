import { timingSafeEqual } from "node:crypto";
import type { App } from "../app.ts";
import { type Connections, isFromThisMachine } from "../client-address.ts";
import { Refusal } from "../errors.ts";
import { contentType, scrape } from "../metrics/scrape.ts";

/** Answers a Prometheus server. `kinds` are the kinds of jobs there are. */
export const scrapeAnswer =
  (app: App, kinds: string[], version: string) =>
  async (request: Request, server: Connections | null): Promise<Response> => {
    requireWatcher(app, request, server);
    return new Response(await scrape(app, kinds, version), { headers: { "content-type": contentType } });
  };

function requireWatcher(app: App, request: Request, server: Connections | null): void {
  const { token } = app.config.metrics;
  if (token !== undefined) {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    if (isSame(given, token)) return;
    throw new Refusal(
      "not_permitted",
      "Metrics of the server need the configuration's `metrics.token` as a bearer token. Those of a team come with its API key and a `period`, such as `?period=7d`.",
    );
  }
  if (isFromThisMachine(request, server)) return;
  throw new Refusal(
    "not_permitted",
    "Metrics are for this machine alone. To read them from elsewhere, set `metrics.token` in the configuration and send it as a bearer token.",
  );
}

/** Compared by their hashes, which are of one length. */
function isSame(given: string, wanted: string): boolean {
  const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
