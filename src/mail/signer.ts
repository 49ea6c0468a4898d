import { createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import { type OpenSsl, openOpenSsl } from "./openssl.ts";

/** Signs with one private key: RSA as `rsa-sha256` (RFC 6376 §3.3.1), Ed25519 as `ed25519-sha256` (RFC 8463 §3). */
export type Signer = { algorithm: string; sign(data: Uint8Array): Buffer; free(): void };

/** `privateKey` is PKCS#8 PEM. Throws when it is none. */
export function openSigner(privateKey: string): Signer {
  const key = createPrivateKey(privateKey);
  const algorithm = String(key.asymmetricKeyType);
  if (algorithm === "rsa") return rsaSigner(key, privateKey);
  // The SHA-256 of the data is signed, not the data.
  return { algorithm, sign: (data) => sign(null, sha256(data), key), free() {} };
}

let openSsl: OpenSsl | undefined;
let isSought = false;

/**
 * By the system's OpenSSL where there is one. PKCS #1 v1.5 gives the same signature whoever makes it, so each key's first
 * one is compared with the runtime's: a library that is not what it seems to be signs nothing.
 */
function rsaSigner(key: KeyObject, privateKey: string): Signer {
  const algorithm = "rsa";
  if (!isSought) openSsl = openOpenSsl();
  isSought = true;
  try {
    const signer = openSsl?.rsaSigner(privateKey);
    const probe = Buffer.from("MailIt");
    if (signer?.sign(sha256(probe)).equals(sign("rsa-sha256", probe, key)))
      return { algorithm, sign: (data) => signer.sign(sha256(data)), free: signer.free };
    signer?.free();
  } catch {
    // A key that OpenSSL refuses, such as a short one under a system's policy, is signed with as without it.
  }
  return { algorithm, sign: (data) => sign("rsa-sha256", data, key), free() {} };
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();
