/** Secrets of endpoints, and what proves to an endpoint that a call is ours. */
import { createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";

/** As Standard Webhooks has it: 24 to 64 random bytes in base64, with a prefix that tells what they are. */
export const newSecret = (): string => prefix + randomBytes(32).toString("base64");

export interface Signed {
  /** `msg_…` */
  id: string;
  /** In seconds since 1970; verifiers take no call that is older than five minutes. */
  timestamp: number;
  body: string;
}

/**
 * The headers of one call. The newest secret comes first; every one of them signs in the svix scheme, so that a
 * receiver may change to the new one when it likes. The original MailIt's header holds one signature, the newest's.
 */
export function signatureHeaders(secrets: readonly string[], signed: Signed): Record<string, string> {
  const { id, timestamp } = signed;
  const signatures = secrets.map((secret) => `v1,${standardSignature(secret, signed)}`).join(" ");
  return {
    "svix-id": id,
    "svix-timestamp": String(timestamp),
    "svix-signature": signatures,
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures,
    "x-webhook-timestamp": String(timestamp),
    "x-webhook-signature": originalSignature(secrets[0]!, signed),
  };
}

/** The key is what the base64 stands for. */
function standardSignature(secret: string, { id, timestamp, body }: Signed): string {
  const key = Buffer.from(secret.slice(prefix.length), "base64");
  return createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
}

/** The key is the secret's text, as a receiver has it. */
function originalSignature(secret: string, { timestamp, body }: Signed): string {
  return createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex");
}
