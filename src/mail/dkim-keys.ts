import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

const generate = promisify(generateKeyPair);

/** A signing key as it is stored (sealed) and the value of `p=` in the DNS record that publishes it. */
export type DkimKeyPair = {
  /** PKCS#8 PEM. */
  privateKey: string;
  /** Base64: for RSA the SubjectPublicKeyInfo (RFC 6376 §3.6.1), for Ed25519 the 32 raw bytes (RFC 8463 §4.2). */
  publicKey: string;
};

export type DkimKeyPairs = { rsa: DkimKeyPair; ed25519: DkimKeyPair };

/** A fresh pair of each algorithm. RSA has 2048 bits: longer keys do not fit the DNS answers of many providers. */
export async function makeDkimKeyPairs(): Promise<DkimKeyPairs> {
  const rsa = await generate("rsa", { modulusLength: 2048 });
  const ed25519 = await generate("ed25519");
  const { x } = ed25519.publicKey.export({ format: "jwk" });
  return {
    rsa: {
      privateKey: pemOf(rsa.privateKey),
      publicKey: rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
    },
    ed25519: {
      privateKey: pemOf(ed25519.privateKey),
      publicKey: Buffer.from(x!, "base64url").toString("base64"),
    },
  };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}
