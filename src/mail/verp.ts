import { createHmac, timingSafeEqual } from "node:crypto";

// Hexadecimal, because hosts on the way may lower-case a local part; 96 bits of MAC keep it at 59 of 64 octets.
const macBytes = 12;
const token = /^([0-9a-f]{32})-([0-9a-f]{24})$/;
const returnPath = /^b\+([^@]+)@[^@]+$/;
const anyReturnPath = /\bb\+[0-9a-f]{32}-[0-9a-f]{24}\b/i;

/**
 * The envelope sender of one delivery (VERP): a bounce that comes back to it names the delivery, and the MAC proves that
 * we sent what it reports, so that nobody can forge bounces to have an address suppressed.
 */
export function makeReturnPath(options: { deliveryId: string; domain: string; secret: Uint8Array }): string {
  return `b+${makeDeliveryToken(options.deliveryId, options.secret)}@${options.domain}`;
}

/** The delivery a return path was made for; undefined when it is none, or not one of ours. */
export function readReturnPath(address: string, secret: Uint8Array): { deliveryId: string } | undefined {
  const [, local] = returnPath.exec(address.toLowerCase()) ?? [];
  return local === undefined ? undefined : readDeliveryToken(local, secret);
}

/** Whether a text, such as a host's reply, talks of a return path in our manner; whoever made it. */
export const namesReturnPath = (text: string): boolean => anyReturnPath.test(text);

/** A delivery's name that only we can make: whoever shows it has seen the message, or its envelope. */
export function makeDeliveryToken(deliveryId: string, secret: Uint8Array): string {
  const id = deliveryId.toLowerCase().replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/.test(id)) throw new Error(`Not a delivery id: ${deliveryId}`);
  return `${id}-${macOf(id, secret).toString("hex")}`;
}

/** The delivery that a token in lower case names; undefined when we did not make it. */
export function readDeliveryToken(text: string, secret: Uint8Array): { deliveryId: string } | undefined {
  const [, id, mac] = token.exec(text) ?? [];
  if (id === undefined || mac === undefined) return undefined;
  if (!timingSafeEqual(Buffer.from(mac, "hex"), macOf(id, secret))) return undefined;
  return { deliveryId: id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") };
}

function macOf(id: string, secret: Uint8Array): Buffer {
  return createHmac("sha256", secret).update(`return-path:${id}`).digest().subarray(0, macBytes);
}
