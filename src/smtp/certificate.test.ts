import { expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { makeSelfSignedCertificate } from "./certificate.ts";

const now = new Date("2026-03-01T12:00:00Z");

test("a certificate names its host, is signed by its own key and is already valid", async () => {
  const { cert, key } = await makeSelfSignedCertificate("mx.example.com", now);

  const certificate = new X509Certificate(cert);
  expect(certificate.checkHost("mx.example.com")).toBe("mx.example.com");
  expect(certificate.checkHost("other.example.com")).toBeUndefined();
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(new Date(certificate.validFrom)).toEqual(new Date("2026-02-28T12:00:00Z"));
  expect(new Date(certificate.validTo) > new Date("2035-01-01")).toBe(true);
});

test("a certificate can name an address instead of a host", async () => {
  const { cert } = await makeSelfSignedCertificate("127.0.0.1", now);
  expect(new X509Certificate(cert).checkIP("127.0.0.1")).toBe("127.0.0.1");
});

test("a host name longer than a common name may be is still named in full", async () => {
  const hostname = `${"a".repeat(60)}.${"b".repeat(60)}.example.com`;
  const { cert } = await makeSelfSignedCertificate(hostname, now);
  expect(new X509Certificate(cert).checkHost(hostname)).toBe(hostname);
});

test("no two certificates share a key or a serial number", async () => {
  const [one, two] = await Promise.all([
    makeSelfSignedCertificate("mx.example.com", now),
    makeSelfSignedCertificate("mx.example.com", now),
  ]);
  expect(one.key).not.toBe(two.key);
  expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(two.cert).serialNumber);
});
