import { afterAll, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { makeSelfSignedCertificate } from "../smtp/certificate.ts";
import { smtpCertificate } from "./smtp-certificate.ts";

const folder = await mkdtemp(join(tmpdir(), "mailit-certificate-"));
afterAll(() => rm(folder, { recursive: true }));
const now = new Date("2026-03-01T12:00:00Z");
const standard = await loadConfig({ env: {}, cwd: folder, dataDir: folder, sandbox: false, isRoot: false });
const configFor = (hostname: string, tls: Partial<Config["tls"]> = {}): Config => ({
  ...standard,
  smtpOutbound: { ...standard.smtpOutbound, hostname },
  tls: { ...standard.tls, ...tls },
});
const nameOf = ({ cert }: { cert: string }) => new X509Certificate(cert).subjectAltName;

test("a certificate of our own stays the same until it is over or the server has another name", async () => {
  const first = await smtpCertificate(configFor("mail.example.com"), now);
  expect(nameOf(first)).toContain("mail.example.com");
  expect((await stat(join(folder, "smtp.pem"))).mode & 0o777).toBe(0o600);
  const again = await smtpCertificate(configFor("mail.example.com"), now);
  expect(again.cert.trim()).toBe(first.cert.trim());
  expect(again.key.trim()).toBe(first.key.trim());

  const renamed = await smtpCertificate(configFor("mx.example.com"), now);
  expect(nameOf(renamed)).toContain("mx.example.com");
  const later = await smtpCertificate(configFor("mx.example.com"), new Date("2046-01-01T00:00:00Z"));
  expect(new X509Certificate(later.cert).validToDate.getUTCFullYear()).toBeGreaterThan(2046);
  expect((await readdir(folder)).filter((name) => name.startsWith("smtp"))).toEqual(["smtp.pem"]);
});

test("what is in its place and is no certificate is made anew", async () => {
  await Bun.write(join(folder, "smtp.pem"), "-----BEGIN CERTIFICATE-----\nhalf");
  expect(nameOf(await smtpCertificate(configFor("mail.example.com"), now))).toContain("mail.example.com");
});

test("an operator's own files are taken, and a missing one is a sentence about its key", async () => {
  const { cert, key } = await makeSelfSignedCertificate("mail.example.com", now);
  const certFile = join(folder, "cert.pem");
  const keyFile = join(folder, "key.pem");
  await Bun.write(certFile, cert);
  await Bun.write(keyFile, key);
  const files = configFor("mail.example.com", { mode: "files", certFile, keyFile });
  expect(await smtpCertificate(files, now)).toEqual({ cert, key });
  await rm(keyFile);
  await expect(smtpCertificate(files, now)).rejects.toThrow(
    /^tls\.keyFile is ".*key\.pem", which can't be read/,
  );
});
