import { expect, test } from "bun:test";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { openOpenSsl } from "./openssl.ts";
import { openSigner } from "./signer.ts";

const pem = (type: "rsa" | "ed25519", modulusLength = 2048) => {
  const pair =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength }) : generateKeyPairSync("ed25519");
  return { ...pair, text: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
};

for (const modulusLength of [1024, 2048, 4096]) {
  test(`an RSA key of ${modulusLength} bits signs as the runtime does, with OpenSSL or without`, () => {
    const { text, privateKey } = pem("rsa", modulusLength);
    const signer = openSigner(text);
    for (let n = 0; n < 50; n++) {
      const data = Buffer.from("x".repeat(n * n));
      expect(signer.sign(data).equals(sign("rsa-sha256", data, privateKey))).toBe(true);
    }
    signer.free();
  });
}

test("an Ed25519 key signs the hash of the data", () => {
  const { text, publicKey } = pem("ed25519");
  const data = Buffer.from("hello");
  const hash = new Bun.CryptoHasher("sha256").update(data).digest();
  expect(verify(null, hash, publicKey, openSigner(text).sign(data))).toBe(true);
});

test("a system without OpenSSL, and a library that is another one, are told at once", () => {
  expect(openOpenSsl("libnothing.so.3")).toBeUndefined();
  expect(openOpenSsl("libc.so.6")).toBeUndefined();
});

test("what is no private key is refused by both", () => {
  expect(() => openSigner("nonsense")).toThrow();
  const openSsl = openOpenSsl();
  if (openSsl !== undefined)
    expect(() => openSsl.rsaSigner("nonsense")).toThrow("can't read this private key");
});
