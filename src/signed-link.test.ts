import { expect, test } from "bun:test";
import { makeSealer } from "./secrets.ts";
import { readLink, signLink } from "./signed-link.ts";

const secrets = makeSealer("5e".repeat(32));
const now = new Date("2026-03-01T12:00:00Z");
const expiresAt = new Date("2026-03-01T13:00:00Z");
const subject = "0195507e-5c00-7000-8000-000000000001";
const token = signLink(secrets, { purpose: "share", subject, expiresAt });
const read = (text: string, purpose = "share", at = now) =>
  readLink(secrets, { purpose, token: text, now: at });

test("a link leads to what it was made for, until it expires", () => {
  expect(read(token)).toEqual({ subject, expiresAt });
  expect(read(token, "share", new Date("2026-03-01T12:59:59Z"))).toBeDefined();
  expect(read(token, "share", expiresAt)).toBeUndefined();
});

test("a link opens no other door than the one it was made for", () => {
  expect(read(token, "attachment")).toBeUndefined();
});

test("a link of another server, a longer life or another subject is none of ours", () => {
  const [, expiry, mac] = token.split(".");
  const others = makeSealer("6f".repeat(32));
  for (const forged of [
    signLink(others, { purpose: "share", subject, expiresAt }),
    `${subject.replace("1", "2")}.${expiry}.${mac}`,
    `${subject}.${expiry!.replace(/^./, "z")}.${mac}`,
    `${subject}.${expiry}.${"A".repeat(22)}`,
    `${subject}.${expiry}`,
    `${token}A`,
    `${token}\n`,
    "",
    ".".repeat(300),
  ])
    expect(read(forged)).toBeUndefined();
});

test("what could be read in two ways is not signed", () => {
  expect(() => signLink(secrets, { purpose: "share", subject: "a.b", expiresAt })).toThrow("a.b");
});
