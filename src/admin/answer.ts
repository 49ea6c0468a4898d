import type { JSX } from "preact";
import { htmlOf } from "../html-of.ts";

/** Nothing inline, nothing from elsewhere, framed by nobody. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "x-robots-tag": "noindex, nofollow",
  // What was on a page of somebody who has signed out must not come back with the back button.
  "cache-control": "private, no-store",
};

/** A whole document. */
export function documentAnswer(node: JSX.Element, status = 200): Response {
  return new Response(`<!doctype html>${htmlOf(node)}`, { status, headers });
}

/** A piece of a page, for htmx to put in its place. */
export function pieceAnswer(node: JSX.Element, status = 200): Response {
  return new Response(htmlOf(node), { status, headers });
}

/** Leads on after a write, so that loading the page again does not write again. */
export function leadTo(path: string, more: Record<string, string> = {}): Response {
  return new Response(null, {
    status: 303,
    headers: { location: path, "cache-control": "no-store", ...more },
  });
}
