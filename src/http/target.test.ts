import { expect, test } from "bun:test";
import fc from "fast-check";
import { readTarget } from "./target.ts";

const either = { httpsOnly: false };

test.each([
  ["", "the URL is not valid"],
  ["hook.test/in", "the URL is not valid"],
  ["https://", "the URL is not valid"],
  ["https://1.2.3.4.5/", "the URL is not valid"],
  ["https://hook.test:0/", "the URL is not valid"],
  ["https://hook.test:65536/", "the URL is not valid"],
  ["ftp://hook.test/", "the URL begins with neither http:// nor https://"],
  ["file:///etc/passwd", "the URL begins with neither http:// nor https://"],
  ["javascript:alert(1)", "the URL begins with neither http:// nor https://"],
  ["https://ada@hook.test/", "the URL has a user name or a password in it"],
  ["https://:secret@hook.test/", "the URL has a user name or a password in it"],
  ["http://hook.test:25/", "port 25 belongs to mail servers"],
  ["https://hook.test:465/", "port 465 belongs to mail servers"],
  ["https://hook.test:587/", "port 587 belongs to mail servers"],
])("%j is refused: %s", (url, reason) => {
  expect(readTarget(url, either)).toEqual({ kind: "refused", reason });
});

test.each([
  ["https://hook.test/", { host: "hook.test", isTls: true, port: 443, isAddress: false }],
  ["HTTP://Hook.Test.:8080/x", { host: "hook.test", isTls: false, port: 8080, isAddress: false }],
  ["http://0x8.8.8.8/", { host: "8.8.8.8", isTls: false, port: 80, isAddress: true }],
  ["https://[2606:4700::1111]/", { host: "2606:4700::1111", isTls: true, port: 443, isAddress: true }],
])("%j leads to %j", (url, target) => {
  expect(readTarget(url, either)).toMatchObject({ kind: "target", ...target });
});

test("only https is taken where only https may be", () => {
  expect(readTarget("http://hook.test/", { httpsOnly: true })).toEqual({
    kind: "refused",
    reason: "the URL does not begin with https://",
  });
  expect(readTarget("https://hook.test/", { httpsOnly: true })).toMatchObject({ kind: "target" });
});

test("no text makes the question throw", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.webUrl(),
    fc.string().map((rest) => `http://${rest}`),
  );
  fc.assert(fc.property(text, (url) => ["target", "refused"].includes(readTarget(url, either).kind)));
});
