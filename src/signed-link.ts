import { createHmac, timingSafeEqual } from "node:crypto";
import type { Sealer } from "./secrets.ts";

/** What a link leads to, until when; `purpose` keeps a link made for one door from opening another. */
export interface SignedLink {
  purpose: string;
  /** One or more ids; never anything with a dot. */
  subject: string;
  expiresAt: Date;
}

// 128 bits: enough that nobody finds one by asking.
const macBytes = 16;

/** A token for a URL that needs no key: `subject.expiry.mac`, the expiry in seconds since 1970, in base 36. */
export function signLink(secrets: Pick<Sealer, "derive">, link: SignedLink): string {
  if (!/^[A-Za-z0-9_~-]+$/.test(link.subject)) throw new Error(`can't be put into a link: ${link.subject}`);
  const signed = `${link.subject}.${Math.floor(link.expiresAt.getTime() / 1000).toString(36)}`;
  return `${signed}.${macOf(secrets, link.purpose, signed).toString("base64url")}`;
}

/** What a token of ours leads to; undefined when it is forged, of another purpose, or expired. */
export function readLink(
  secrets: Pick<Sealer, "derive">,
  { purpose, token, now }: { purpose: string; token: string; now: Date },
): { subject: string; expiresAt: Date } | undefined {
  const [, signed, subject, expiry, mac] =
    /^(([A-Za-z0-9_~-]{1,200})\.([0-9a-z]{1,9}))\.([A-Za-z0-9_-]{22})$/.exec(token) ?? [];
  if (!signed || !subject || !expiry || !mac) return undefined;
  const given = Buffer.from(mac, "base64url");
  if (given.length !== macBytes || !timingSafeEqual(given, macOf(secrets, purpose, signed))) return undefined;
  const expiresAt = new Date(Number.parseInt(expiry, 36) * 1000);
  return expiresAt > now ? { subject, expiresAt } : undefined;
}

function macOf(secrets: Pick<Sealer, "derive">, purpose: string, signed: string): Buffer {
  return createHmac("sha256", secrets.derive("links"))
    .update(`${purpose}:${signed}`)
    .digest()
    .subarray(0, macBytes);
}
