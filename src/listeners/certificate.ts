import { createPrivateKey, X509Certificate } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { App } from "../app.ts";
import { ConfigFault } from "../errors.ts";
import { newId } from "../ids.ts";
import { type CertificatePair, makeSelfSignedCertificate } from "../smtp/certificate.ts";
import { syncFolder } from "../sync-folder.ts";

const monthMs = 30 * 24 * 60 * 60 * 1000;

/**
 * What the SMTP doors show in TLS: the certificate of `tls.certFile`, or one that vouches for itself, made at the first
 * start and kept in the data folder, so that who remembers it meets the same one again.
 */
export async function mailCertificate(app: Pick<App, "config" | "now">): Promise<CertificatePair> {
  const { tls, dataDir, smtpOutbound } = app.config;
  if (tls.mode === "files") {
    // Both are asked for by the configuration's rules.
    return {
      cert: await readPem("tls.certFile", tls.certFile!),
      key: await readPem("tls.keyFile", tls.keyFile!),
    };
  }
  const path = join(dataDir, "smtp.pem");
  return (
    (await findKept(path, smtpOutbound.hostname, app.now())) ??
    (await make(path, smtpOutbound.hostname, app.now()))
  );
}

/** The one that is kept, while it is for this name and valid for another month. */
async function findKept(path: string, hostname: string, now: Date): Promise<CertificatePair | undefined> {
  try {
    const pem = await readFile(path, "utf8");
    const [cert] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(pem) ?? [];
    const [key] = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/.exec(pem) ?? [];
    if (!cert || !key) return undefined;
    const certificate = new X509Certificate(cert);
    const isFor =
      certificate.checkHost(hostname) !== undefined || certificate.checkIP(hostname) !== undefined;
    const isValid = certificate.validToDate.getTime() - now.getTime() > monthMs;
    return isFor && isValid && certificate.checkPrivateKey(createPrivateKey(key)) ? { cert, key } : undefined;
  } catch {
    return undefined; // not there yet, or damaged: nobody was promised this very one
  }
}

async function make(path: string, hostname: string, now: Date): Promise<CertificatePair> {
  const made = await makeSelfSignedCertificate(hostname, now);
  const draft = `${path}.${newId()}.new`;
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${made.cert.trim()}\n${made.key.trim()}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
  return made;
}

async function readPem(name: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigFault(
      `${name} is "${path}", which can't be read: make it readable for MailIt, or correct the path.`,
      {
        cause: error,
      },
    );
  }
}
