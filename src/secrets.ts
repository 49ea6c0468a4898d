import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { link, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigFault } from "./errors.ts";
import { newId } from "./ids.ts";
import { syncFolder } from "./sync-folder.ts";

/** What keeps secrets at rest: one master key, kept outside the database (D13). */
export interface Sealer {
  /** AES-256-GCM; the purpose is authenticated, so that a secret sealed for one use can't be opened as another. */
  seal(secret: string, purpose: string): string;
  open(sealed: string, purpose: string): string;
  /** A 32-byte key of its own for each purpose (HKDF-SHA256), the same over restarts. */
  derive(purpose: string): Uint8Array;
}

/** `masterKey` is 64 hex digits. */
export function makeSealer(masterKey: string): Sealer {
  const master = Buffer.from(masterKey, "hex");
  if (master.length !== 32) throw new ConfigFault("The master key must be 64 hex digits (32 bytes)");
  const derived = new Map<string, Uint8Array>();
  const derive = (purpose: string): Uint8Array => {
    const known = derived.get(purpose);
    if (known) return known;
    const made = new Uint8Array(hkdfSync("sha256", master, "mailit", purpose, 32));
    derived.set(purpose, made);
    return made;
  };
  const sealingKey = derive("seal");

  return {
    seal(secret, purpose) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", sealingKey, nonce).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(sealed, purpose) {
      const bytes = Buffer.from(sealed, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", sealingKey, bytes.subarray(0, 12), {
        authTagLength: 16,
      })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
    },
    derive,
  };
}

/**
 * The master key of a data folder: the one in `file`, or a new one written there with mode 0600 at the first start. Two
 * processes that start at once end up with the same key: the file appears whole or not at all.
 */
export async function loadMasterKey(file: string, { mayMake = true } = {}): Promise<string> {
  const known = await readKey(file);
  if (known !== undefined) return known;
  if (!mayMake) {
    throw new ConfigFault(
      `${file} is missing, and the database beside it holds secrets that only its key opens: restore it from a backup`,
    );
  }
  // Not the process id: in a container it is the same at every start, and a crash here would bar them all.
  const draft = `${file}.${newId()}.new`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(`${randomBytes(32).toString("hex")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(file)); // a name lost in a power cut would leave secrets that nobody can open
  return (await readKey(file))!;
}

async function readKey(file: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new ConfigFault(
      `${file} must hold 64 hex digits; restore it from a backup: sealed secrets can't be read without it`,
    );
  }
  return text;
}
