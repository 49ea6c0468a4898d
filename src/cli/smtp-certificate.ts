import { X509Certificate } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { ConfigFault } from "../errors.ts";
import { newId } from "../ids.ts";
import { type CertificatePair, makeSelfSignedCertificate } from "../smtp/certificate.ts";
import { syncFolder } from "../sync-folder.ts";

/**
 * The certificate of the SMTP listeners: that of `tls.mode` files, else one that vouches for itself. That one is kept in
 * the data folder, mode 0600, so that whoever pins it finds the same after a restart; it is made anew where it is over or
 * names another host.
 */
export async function smtpCertificate(config: Config, now: Date): Promise<CertificatePair> {
  const { mode, certFile, keyFile } = config.tls;
  if (mode === "files") {
    return { cert: await read("tls.certFile", certFile!), key: await read("tls.keyFile", keyFile!) };
  }
  const { hostname } = config.smtpOutbound;
  const path = join(config.dataDir, "smtp.pem");
  const kept = splitPair(await readFile(path, "utf8").catch(() => ""));
  if (kept && isGood(kept.cert, hostname, now)) return kept;
  const made = await makeSelfSignedCertificate(hostname, now);
  await write(path, `${made.cert.trim()}\n${made.key.trim()}\n`);
  await syncFolder(config.dataDir);
  return made;
}

async function read(key: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    throw new ConfigFault(
      `${key} is "${path}", which can't be read; name a PEM file that this user may read.`,
    );
  }
}

function splitPair(text: string): CertificatePair | undefined {
  const [cert] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(text) ?? [];
  const [key] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text) ?? [];
  return cert && key ? { cert, key } : undefined;
}

function isGood(cert: string, hostname: string, now: Date): boolean {
  try {
    const read = new X509Certificate(cert);
    return read.validToDate > now && read.checkHost(hostname) !== undefined;
  } catch {
    return false;
  }
}

/** Whole or not at all: after a crash half a file would be made anew, and pinned by nobody. */
async function write(path: string, text: string): Promise<void> {
  const draft = `${path}.${newId()}.new`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
