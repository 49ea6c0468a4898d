import { relaxedBodyHash, relaxedField, splitMessage } from "./dkim-canonical.ts";
import { openSigner, type Signer } from "./signer.ts";

/** One of a sending domain's keys, opened. */
export type DkimKey = {
  domain: string;
  selector: string;
  algorithm: "rsa" | "ed25519";
  /** PKCS#8 PEM. */
  privateKey: string;
};

/**
 * Which fields a signature covers (RFC 6376 §5.4). "always" lists a field once more than it occurs, so that nobody on
 * the way can add another that readers would show instead; "present" does so only for fields the message has, because
 * mailing lists may add them; "once" covers what is there. The division is rspamd's, which is in wide use.
 */
const coverage: ReadonlyArray<readonly [name: string, cover: "always" | "present" | "once"]> = [
  ["From", "always"],
  ["Reply-To", "always"],
  ["Subject", "always"],
  ["To", "always"],
  ["Cc", "always"],
  ["Sender", "present"],
  ["Date", "present"],
  ["Message-ID", "present"],
  ["MIME-Version", "present"],
  ["Content-Type", "present"],
  ["Content-Transfer-Encoding", "present"],
  ["In-Reply-To", "present"],
  ["References", "present"],
  // RFC 8058 §4: one-click unsubscribing counts only where a signature covers both.
  ["List-Unsubscribe", "present"],
  ["List-Unsubscribe-Post", "present"],
  ["List-Id", "once"],
  ["Feedback-ID", "once"],
  ["Auto-Submitted", "once"],
  ["Precedence", "once"],
];

const hostname = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i;

/**
 * The message with one DKIM-Signature (RFC 6376, RFC 8463) in front for each key, relaxed/relaxed. Throws when a
 * signature can't be made: a message never leaves unsigned by accident.
 *
 * Made here and not by mailauth, which can neither list a field more often than it occurs nor keep a parsed key: parsing
 * the PEM costs an eighth of an RSA signature, for every message.
 */
export async function signMessage(message: Uint8Array, keys: DkimKey[], at: Date): Promise<Uint8Array> {
  if (keys.length === 0) throw new Error("No DKIM key to sign with");
  const { header, body } = splitMessage(message);
  const bodyHash = relaxedBodyHash(body);
  const { names, canonical } = coveredFields(header);
  const foldedNames = foldNames(names);

  const signatures = keys.map((key) => {
    const unsigned = signatureField(key, foldedNames, bodyHash, at);
    const signature = signatureOf(key, Buffer.from(canonical + relaxedField(unsigned), "latin1"));
    return `${unsigned}${signature.replace(/.{1,74}/g, "\r\n\t$&")}\r\n`;
  });
  const front = Buffer.from(signatures.join(""), "latin1");
  const signed = new Uint8Array(front.byteLength + message.byteLength);
  signed.set(front);
  signed.set(message, front.byteLength);
  return signed;
}

/** The names for `h=`, and the canonical form of what they stand for, in the same order. */
function coveredFields(header: string[]): { names: string[]; canonical: string } {
  const byName = Map.groupBy(header.map(relaxedField), (field) => field.slice(0, field.indexOf(":")));
  if (!byName.has("from")) throw new Error("A message without From can't be signed"); // RFC 6376 §5.4
  const names: string[] = [];
  let canonical = "";
  for (const [name, cover] of coverage) {
    // RFC 6376 §5.4.2: several fields of one name are taken from the bottom up.
    const fields = byName.get(name.toLowerCase())?.reverse() ?? [];
    for (const field of fields) {
      names.push(name);
      canonical += `${field}\r\n`;
    }
    if (cover === "always" || (cover === "present" && fields.length > 0)) names.push(name);
  }
  return { names, canonical };
}

/** The field with an empty `b=`, which is what gets signed (RFC 6376 §3.7). */
function signatureField(
  { domain, selector, algorithm }: DkimKey,
  foldedNames: string,
  bodyHash: string,
  at: Date,
): string {
  // Either would break out of its tag or of the header, if somebody could smuggle in a space or a semicolon.
  if (!hostname.test(domain) || !hostname.test(selector)) {
    throw new Error(`Not a DKIM selector and domain: ${JSON.stringify(`${selector}._domainkey.${domain}`)}`);
  }
  const seconds = Math.floor(at.getTime() / 1000);
  if (!Number.isInteger(seconds) || seconds < 0) throw new Error("Not a time to sign at");
  const lines = [
    `DKIM-Signature: v=1; a=${algorithm}-sha256; c=relaxed/relaxed; t=${seconds};`,
    `d=${domain}; s=${selector};`,
    `h=${foldedNames};`,
    `bh=${bodyHash};`,
    "b=",
  ];
  return lines.join("\r\n\t");
}

function foldNames(names: string[]): string {
  let folded = "";
  let width = 0;
  for (const [index, name] of names.entries()) {
    const piece = index === names.length - 1 ? name : `${name}:`;
    if (width + piece.length > 70) {
      folded += "\r\n\t";
      width = 0;
    }
    folded += piece;
    width += piece.length;
  }
  return folded;
}

const signatureOf = (key: DkimKey, data: Buffer): string => signerOf(key).sign(data).toString("base64");

// Signers by PEM. A thread signs for few domains at a time; when there are many, starting afresh is cheap enough.
const signers = new Map<string, Signer>();
const maxSigners = 1000;

function signerOf({ privateKey, algorithm, domain, selector }: DkimKey): Signer {
  let signer = signers.get(privateKey);
  if (signer === undefined) {
    signer = openSigner(privateKey);
    if (signers.size >= maxSigners) {
      for (const { free } of signers.values()) free();
      signers.clear();
    }
    signers.set(privateKey, signer);
  }
  if (signer.algorithm !== algorithm) {
    throw new Error(`The DKIM key ${selector}._domainkey.${domain} is not an ${algorithm} key`);
  }
  return signer;
}
