import { Elysia } from "elysia";
import { h } from "preact";
import { findAsset } from "../../assets/index.ts";
import { WelcomePage } from "../../views/welcome.tsx";
import { isFirstRun } from "../accounts/first-run.ts";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { htmlOf } from "../html-of.ts";

const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The page at the server's own address, and what pages are made of. */
export const welcomeRoutes = (app: App, version: string) => {
  const page = async () => {
    const { publicUrl } = app.config.server;
    const about = { version, publicUrl, isSandbox: app.sandbox, isFirstRun: await isFirstRun(app) };
    const html = htmlOf(h(WelcomePage, about));
    return new Response(`<!doctype html>${html}`, {
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
    });
  };
  return new Elysia({ detail: { hide: true } }).get("/", page).get("/assets/:name", ({ params }) => {
    const asset = findAsset(params.name);
    if (!asset) throw new Refusal("not_found", "The requested endpoint does not exist");
    return new Response(asset.body, {
      headers: {
        "content-type": asset.type,
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
      },
    });
  });
};
