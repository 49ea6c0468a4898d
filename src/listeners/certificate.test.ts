import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { makeSelfSignedCertificate } from "../smtp/certificate.ts";
import { mailCertificate } from "./certificate.ts";

const nameOf = ({ cert }: { cert: string }) => new X509Certificate(cert).subject;

test("the certificate that was made is kept while it is valid and for this server's name", async () => {
  const app = await testApp();
  const made = await mailCertificate(app);
  const again = await mailCertificate(app);
  expect(again.cert.trim()).toBe(made.cert.trim());
  expect(nameOf(made)).toBe("CN=mail.mailit.test");

  app.config.smtpOutbound.hostname = "mx.mailit.test";
  const renamed = await mailCertificate(app);
  expect(nameOf(renamed)).toBe("CN=mx.mailit.test");

  app.clock.advance(3_640 * 86_400_000); // ten days before it ends
  expect((await mailCertificate(app)).cert).not.toBe(renamed.cert);
});

test("a damaged file is replaced", async () => {
  const app = await testApp();
  const path = join(app.folder, "smtp.pem");
  await Bun.write(path, "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
  const { cert } = await mailCertificate(app);
  expect(await Bun.file(path).text()).toStartWith(cert.trim());
});

const withFiles = (app: TestApp, certFile: string, keyFile: string) =>
  mailCertificate({
    ...app,
    config: { ...app.config, tls: { ...app.config.tls, mode: "files", certFile, keyFile } },
  });

test("an operator's own files are shown, and one that can't be read is named", async () => {
  const app = await testApp();
  const own = await makeSelfSignedCertificate("mail.example.com", app.now());
  const [certFile, keyFile] = [join(app.folder, "own.crt"), join(app.folder, "own.key")];
  await Bun.write(certFile, own.cert);
  await Bun.write(keyFile, own.key);
  expect(await withFiles(app, certFile, keyFile)).toEqual(own);
  await expect(withFiles(app, certFile, `${keyFile}.gone`)).rejects.toThrow(
    /^tls\.keyFile is ".*", which can't be read/,
  );
});
