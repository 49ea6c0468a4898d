/** Leaving a list: what a message carries for it (RFC 2369, RFC 8058), and the token that names who leaves what. */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Who leaves, and what. */
export interface Leaving {
  teamId: string;
  /** What told them where to leave. */
  deliveryId: string;
  /** Null: everything the team sends to its lists. */
  topicId: string | null;
  /** The contact, by what a team knows its contacts as: it outlives a contact that is removed and imported again. */
  address: string;
}

const withTopic = 1;
const withoutTopic = 0;
const idBytes = 16;
// 128 bits: enough that nobody finds one by asking.
const macBytes = 16;

/**
 * A token for the address in a message. It never expires: whoever looks for the way out in an old message has a right to
 * find it (RFC 8058 has no limit, CAN-SPAM asks for 30 days at least), and all that it lets anybody do is to get less mail.
 */
export function makeLeavingToken(leaving: Leaving, secret: Uint8Array): string {
  const { teamId, deliveryId, topicId, address } = leaving;
  const ids = [teamId, deliveryId, ...(topicId === null ? [] : [topicId])];
  const named = Buffer.concat([
    Buffer.of(topicId === null ? withoutTopic : withTopic),
    Buffer.from(ids.join("").replaceAll("-", ""), "hex"),
    Buffer.from(address),
  ]);
  return Buffer.concat([named, macOf(named, secret)]).toString("base64url");
}

/** What a token of ours names; undefined when it is forged. */
export function readLeavingToken(token: string, secret: Uint8Array): Leaving | undefined {
  const bytes = /^[A-Za-z0-9_-]{60,600}$/.test(token) ? Buffer.from(token, "base64url") : Buffer.alloc(0);
  const named = bytes.subarray(0, -macBytes);
  const isOurs =
    bytes.length > 1 + 2 * idBytes + macBytes &&
    bytes.toString("base64url") === token &&
    timingSafeEqual(bytes.subarray(-macBytes), macOf(named, secret));
  if (!isOurs) return undefined;
  const hasTopic = named[0] === withTopic;
  const idAt = (place: number) => readId(named.subarray(1 + place * idBytes, 1 + (place + 1) * idBytes));
  return {
    teamId: idAt(0),
    deliveryId: idAt(1),
    topicId: hasTopic ? idAt(2) : null,
    address: named.subarray(1 + (hasTopic ? 3 : 2) * idBytes).toString(),
  };
}

const readId = (bytes: Buffer): string =>
  bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

function macOf(named: Buffer, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update("unsubscribe:").update(named).digest().subarray(0, macBytes);
}

/** The fields by which mail programs show their own button; RFC 8058 §3.1 asks for both of them, and for one URL alone. */
export const leavingHeaders = (url: string): Record<string, string> => ({
  "List-Unsubscribe": `<${url}>`,
  "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
});

const field = /\{\{\{\s{0,20}(?:RESEND_)?UNSUBSCRIBE_URL\s{0,20}\}\}\}/g;

/** Puts the address into content that is no template: whatever else looks like a field is the sender's own affair. */
export const fillLeavingUrl = (content: string, url: string): string => content.replace(field, () => url);

/** Whether the sender has a way out of their own, which then takes the place of ours. */
export const hasOwnLeaving = (headers: Record<string, string>): boolean =>
  Object.keys(headers).some((name) => /^list-unsubscribe(-post)?$/i.test(name));
