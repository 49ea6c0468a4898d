import { createHmac, timingSafeEqual } from "node:crypto";
import { planOf } from "./html-links.ts";
import { applyEdits, type TextEdit } from "./text-edits.ts";

/** How the message of one delivery tells of its opens and clicks. */
export type Tracking = {
  opens: boolean;
  clicks: boolean;
  deliveryId: string;
  /** What the addresses begin with: `https://links.example.com`. */
  base: string;
  secret: Uint8Array;
  /** Origins whose links are left alone, because they are our own. */
  ownOrigins: string[];
};

/**
 * The HTML of one delivery: its web links lead through us, and an image that nobody sees asks for itself when it is
 * shown. Every other character stays. The same delivery always gives the same. The HTML is as it is stored, for only its
 * links are known: what is filled in for a recipient (`mergeEdits`) is put into the same HTML, and never tracked.
 */
export const trackHtml = (html: string, tracking: Tracking, untracked: readonly string[] = []): string =>
  applyEdits(html, trackEdits(html, tracking, untracked));

/** The same as edits of the HTML, to be made beside others. */
export function trackEdits(html: string, tracking: Tracking, untracked: readonly string[] = []): TextEdit[] {
  const { edits, pixelAt } = planOf(html);
  const { opens, clicks, base, ownOrigins } = tracking;
  const made: TextEdit[] = [];
  let isPixelDue = opens;
  const putPixel = () => {
    made.push({ start: pixelAt, end: pixelAt, text: pixel(tracking) });
    isPixelDue = false;
  };
  for (const { start, end, link } of edits) {
    if (isPixelDue && pixelAt <= start) putPixel();
    if (!link) made.push({ start, end, text: "" });
    else if (clicks && !untracked.includes(link.url) && !ownOrigins.includes(link.origin)) {
      made.push({ start, end, text: `${base}/t/c/${clickToken(tracking, link.id)}` });
    }
  }
  if (isPixelDue) putPixel();
  return made;
}

/** The addresses of a `List-Unsubscribe` (RFC 2369 §3.2): who leaves by one of them has read nothing of interest. */
export function unsubscribeUrls(headers: Record<string, string>): string[] {
  const field = Object.entries(headers).find(([name]) => name.toLowerCase() === "list-unsubscribe");
  return Array.from(field?.[1].matchAll(/<([^>]*)>/g) ?? [], ([, url]) => url!.trim());
}

const pixel = (tracking: Tracking): string =>
  `<img src="${tracking.base}/t/o/${openToken(tracking)}.gif" width="1" height="1" alt="" ` +
  'style="display:block;width:1px;height:1px;border:0;margin:0;padding:0;opacity:0">';

// Base64url survives every quoting of an attribute. 96 bits of MAC are more than anybody finds by asking.
const idBytes = 16;
const linkBytes = 8;
const macBytes = 12;

type Signer = Pick<Tracking, "deliveryId" | "secret">;

/** Names a delivery; the MAC proves that we sent it, so that nobody can open what was never sent. */
export function openToken({ deliveryId, secret }: Signer): string {
  return sign("open", Buffer.from(deliveryId.replaceAll("-", ""), "hex"), secret);
}

/** Names a delivery and one of its links. As the link's id is made of its address, the token holds for no other. */
export function clickToken({ deliveryId, secret }: Signer, link: string): string {
  const id = Buffer.from(deliveryId.replaceAll("-", ""), "hex");
  return sign("click", Buffer.concat([id, Buffer.from(link, "base64url")]), secret);
}

/** The delivery a token was made for; undefined when it is none of ours. */
export function readOpenToken(token: string, secret: Uint8Array): { deliveryId: string } | undefined {
  const named = verify("open", token, idBytes, secret);
  return named && { deliveryId: readId(named) };
}

export function readClickToken(
  token: string,
  secret: Uint8Array,
): { deliveryId: string; link: string } | undefined {
  const named = verify("click", token, idBytes + linkBytes, secret);
  return named && { deliveryId: readId(named), link: named.subarray(idBytes).toString("base64url") };
}

function sign(purpose: string, named: Buffer, secret: Uint8Array): string {
  return Buffer.concat([named, macOf(purpose, named, secret)]).toString("base64url");
}

function verify(purpose: string, token: string, size: number, secret: Uint8Array): Buffer | undefined {
  const bytes = /^[A-Za-z0-9_-]{30,60}$/.test(token) ? Buffer.from(token, "base64url") : Buffer.alloc(0);
  if (bytes.length !== size + macBytes || bytes.toString("base64url") !== token) return undefined;
  const named = bytes.subarray(0, size);
  return timingSafeEqual(bytes.subarray(size), macOf(purpose, named, secret)) ? named : undefined;
}

const readId = (named: Buffer): string =>
  named
    .subarray(0, idBytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

function macOf(purpose: string, named: Buffer, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`${purpose}:`).update(named).digest().subarray(0, macBytes);
}
