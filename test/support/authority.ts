// tsyringe, inside @peculiar/x509, looks for this polyfill of Reflect when it loads: it has to come first.
import "reflect-metadata";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type CertificatePair, makeSelfSignedCertificate } from "../../src/smtp/certificate.ts";

/** What may be wrong with a certificate; `nameless` names its host only as its subject's common name. */
export type CertificateFlaw = "expired" | "not yet valid" | "self-signed" | "nameless";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const hourMs = 3_600_000;

interface Authority {
  /** Its certificate as PEM, for those who are to trust it. */
  ca: string;
  certificate: X509Certificate;
  keys: CryptoKeyPair;
}

let authority: Promise<Authority> | undefined;
let serial = 1;

/** A certificate authority that nobody else knows, made once a process. */
export function testAuthority(): Promise<Authority> {
  authority ??= (async () => {
    cryptoProvider.set(crypto);
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: "01",
      name: [{ CN: ["MailIt test authority"] }],
      notBefore: new Date(Date.now() - 24 * hourMs), // TLS goes by the machine's own clock
      notAfter: new Date(Date.now() + 24 * hourMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return { ca: certificate.toString("pem"), certificate, keys };
  })();
  return authority;
}

/** A certificate for these names, signed by the test authority unless that is the flaw. */
export async function issueCertificate(names: string[], flaw?: CertificateFlaw): Promise<CertificatePair> {
  const [name = "nobody.test"] = names;
  if (flaw === "self-signed") return makeSelfSignedCertificate(name, new Date());
  const { certificate: issuer, keys: issuerKeys } = await testAuthority();
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: (++serial).toString(16).padStart(4, "0"),
    subject: [{ CN: [name] }],
    issuer: issuer.subject,
    notBefore: new Date(Date.now() + (flaw === "not yet valid" ? 1 : -12) * hourMs),
    notAfter: new Date(Date.now() + (flaw === "expired" ? -1 : 12) * hourMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions:
      flaw === "nameless"
        ? []
        : [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value })))],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: PemConverter.encode(pkcs8, "PRIVATE KEY") };
}
