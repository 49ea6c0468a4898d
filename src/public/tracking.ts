import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { clientAddressReader } from "../client-address.ts";
import { findLink } from "../emails/links.ts";
import { leastIdAt } from "../ids.ts";
import { readClickToken, readOpenToken } from "../mail/tracking.ts";
import { noteVisit } from "../tracking/visits.ts";

/** A transparent GIF of one pixel. */
const pixel = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==", "base64");

// Whatever is remembered of these, by a browser or by a proxy, is an open or a click that nobody hears of.
const alwaysAsked = { "cache-control": "no-store, no-cache, must-revalidate, private, max-age=0" };
// The address of a click names its recipient; where it leads is nobody's business but theirs.
const keptPrivate = { "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow" };

const token = t.Object({ token: t.String() });

/**
 * The pixel and the links in tracked mail, on whichever host they are asked for. They answer at once, and what they saw is
 * written behind them.
 */
export const trackingRoutes = (app: App) => {
  const secret = app.secrets.derive("tracking");
  const addressOf = clientAddressReader(app.config.server.trustedProxies);
  const visitor = (request: Request, address: string) => ({
    address,
    userAgent: request.headers.get("user-agent") ?? "",
    isHead: request.method === "HEAD",
    at: app.now(),
  });
  /** A pixel is good for as long as the links beside it. */
  const isOld = (deliveryId: string) => {
    const { links: keptFor } = app.config.retention;
    return keptFor !== "forever" && deliveryId < leastIdAt(new Date(app.now().getTime() - keptFor));
  };
  return new Elysia()
    .get(
      "/t/o/:token",
      ({ params, request, server }) => {
        const named = readOpenToken(params.token.replace(/\.gif$/, ""), secret);
        if (!named || isOld(named.deliveryId)) return notOurs();
        noteVisit(app, { kind: "opened", ...named, ...visitor(request, addressOf(request, server)) });
        return new Response(pixel, {
          headers: {
            "content-type": "image/gif",
            "content-length": String(pixel.length),
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "cross-origin", // mail is shown on pages of other origins
            ...alwaysAsked,
            ...keptPrivate,
          },
        });
      },
      {
        params: token,
        detail: {
          summary: "The pixel that says a message was shown",
          tags: ["Tracking"],
          security: [],
          responses: {
            200: gif("A transparent image of one pixel"),
            404: text("The image is forged, or older than links are kept"),
          },
        },
      },
    )
    .get(
      "/t/c/:token",
      async ({ params, request, server }) => {
        const named = readClickToken(params.token, secret);
        const url = named && (await findLink(app.db, named.deliveryId, named.link));
        if (!url) return notOurs();
        const { deliveryId } = named;
        const seen = visitor(request, addressOf(request, server));
        noteVisit(app, { kind: "clicked", deliveryId, url, ...seen });
        return new Response(null, {
          status: 302,
          headers: { location: headerOf(url), ...alwaysAsked, ...keptPrivate },
        });
      },
      {
        params: token,
        detail: {
          summary: "Lead a tracked link on to where the email pointed",
          tags: ["Tracking"],
          security: [],
          responses: {
            302: { description: "There" },
            404: text("The link is forged, or older than links are kept"),
          },
        },
      },
    );
};

const text = (description: string) => ({ description, content: { "text/plain": { schema: t.String() } } });
const gif = (description: string) => ({
  description,
  content: { "image/gif": { schema: t.String({ format: "binary" }) } },
});

/** An address as it was written wherever a header can carry it, else as a browser would ask for it. */
const headerOf = (url: string): string => (/^[!-~]+$/.test(url) ? url : new URL(url).href);

function notOurs(): Response {
  return new Response("This link is not valid, or so old that it is not kept any more.\n", {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8", ...alwaysAsked, ...keptPrivate },
  });
}
