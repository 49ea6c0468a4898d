import type { JSX } from "preact";
import { htmlOf } from "../html-of.ts";

/** A page of ours as others see it, shown in a frame of the admin: it looks as it does, and does nothing. */
const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join("; ");

export function previewAnswer(node: JSX.Element): Response {
  return new Response(`<!doctype html>${htmlOf(node)}`, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-store",
    },
  });
}
