import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { dnsTable, type TableValue } from "../../test/support/dns-table.ts";
import { lookUpPolicyId, matchesMx, maxPolicyBytes, parsePolicy } from "./mta-sts.ts";

const policyIdOf = (texts: TableValue) =>
  lookUpPolicyId(dnsTable({ "_mta-sts.example.com TXT": texts }), "example.com");

describe("a policy's id", () => {
  test.each([
    ["v=STSv1; id=20160831085700Z;", "20160831085700Z"],
    ["v=STSv1;id=a", "a"],
    ["v=STSv1 ; \tid=a ; more=b;", "a"],
    ["v=STSv1; id=a; id=b;", "a"],
  ])("is read from %j", async (text, id) => {
    expect(await policyIdOf(text)).toEqual({ kind: "found", id });
  });

  test.each([
    "v=STSv1;",
    "v=STSv1; id=;",
    "v=STSv1; id=a-b;",
    `v=STSv1; id=${"a".repeat(33)};`,
    "id=a; v=STSv1;",
    "v=STSv2; id=a;",
    "V=stsv1; id=a;",
    "v=STSv1",
    "v=spf1 -all",
    "",
  ])("is absent from %j", async (text) => {
    expect(await policyIdOf(text)).toEqual({ kind: "absent" });
  });

  test("comes from the one record that is about MTA-STS, and from none of two", async () => {
    const record = "v=STSv1; id=a;";
    expect(await policyIdOf(["other=1", record, "v=STSv10; id=b;"])).toEqual({ kind: "found", id: "a" });
    expect(await policyIdOf([record, "v=STSv1; id=b;"])).toEqual({ kind: "absent" });
    expect(await policyIdOf([record, "v=STSv1; broken"])).toEqual({ kind: "absent" });
  });

  test("is absent where there is no record, and not where the lookup fails", async () => {
    expect(await lookUpPolicyId(dnsTable(), "example.com")).toEqual({ kind: "absent" });
    expect(await policyIdOf("SERVFAIL")).toEqual({ kind: "failed", reason: "servfail" });
  });

  test("is never asked of the domain above", async () => {
    const table = dnsTable({ "_mta-sts.example.com TXT": "v=STSv1; id=a;" });
    expect(await lookUpPolicyId(table, "mail.example.com")).toEqual({ kind: "absent" });
    expect(table.asked).toEqual(["_mta-sts.mail.example.com TXT"]);
  });
});

const read = (text: string, type = "text/plain") => parsePolicy(new TextEncoder().encode(text), type);
const file = (...lines: string[]) =>
  ["version: STSv1", "mode: enforce", "mx: mx.example.com", "max_age: 604800", ...lines].join("\n");

describe("a policy file", () => {
  test("is read as the RFC has it, whatever ends its lines", () => {
    const text = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmax_age: 604800\n";
    const policy = { mode: "enforce", mx: ["mail.example.com", "*.example.net"], maxAgeSeconds: 604800 };
    expect(read(text)).toEqual({ kind: "policy", policy } as never);
    expect(read(text.replaceAll("\n", "\r\n"))).toEqual({ kind: "policy", policy } as never);
    expect(read(text.replaceAll(": ", ":").trimEnd(), "Text/Plain; charset=utf-8")).toMatchObject({ policy });
  });

  test("may say more than we know, and what it says twice counts the first time", () => {
    expect(read(file("future: yes", "nonsense", "mode: none", "max_age: 1"))).toMatchObject({
      policy: { mode: "enforce", maxAgeSeconds: 604800 },
    });
  });

  test("may name no hosts when its mode is none", () => {
    expect(read("version: STSv1\nmode: none\nmax_age: 86400\n")).toEqual({
      kind: "policy",
      policy: { mode: "none", mx: [], maxAgeSeconds: 86400 },
    });
  });

  test("names its hosts in lower case", () => {
    expect(read(file("mx: MX2.Example.COM"))).toMatchObject({
      policy: { mx: ["mx.example.com", "mx2.example.com"] },
    });
  });

  test("lives for a year at most", () => {
    const lasting = (maxAge: string) => read(file().replace("604800", maxAge));
    expect(lasting("31557600")).toMatchObject({ policy: { maxAgeSeconds: 31_557_600 } });
    expect(lasting("0")).toMatchObject({ policy: { maxAgeSeconds: 0 } });
    for (const maxAge of ["31557601", "9999999999", "-1", "1e3", "0x10", "soon", ""]) {
      expect(lasting(maxAge)).toEqual({
        kind: "invalid",
        reason: "the policy's max_age field is missing or wrong",
      });
    }
  });

  test.each([
    ["version", file().replace("STSv1", "STSv2")],
    ["version", file().replace("version: STSv1\n", "")],
    ["mode", file().replace("enforce", "strict")],
    ["mode", file().replace("mode: enforce\n", "")],
    ["max_age", file().replace("max_age: 604800", "")],
    ["mx", file().replace("mx: mx.example.com\n", "")],
    ["mx", file("mx: *")],
    ["mx", file("mx: mx.*.example.com")],
    ["mx", file("mx: https://mx.example.com/")],
    ["version", "<html><body>Not found</body></html>"],
    ["version", ""],
  ])("is invalid for its %s field: %j", (field, text) => {
    expect(read(text)).toEqual({
      kind: "invalid",
      reason: `the policy's ${field} field is missing or wrong`,
    });
  });

  test.each(["text/html", "text/plainer", "image/png", "", "text/plain, text/html"])(
    "served as %j is none",
    (type) => {
      expect(read(file(), type)).toEqual({ kind: "invalid", reason: "the policy is not text/plain" });
    },
  );

  test("served without a type is none", () => {
    expect(parsePolicy(new TextEncoder().encode(file()), undefined)).toMatchObject({ kind: "invalid" });
  });

  test("may have 64 KiB and not a byte more", () => {
    const filled = (bytes: number) => file(`x: ${"a".repeat(bytes - file("x: ").length)}`);
    expect(read(filled(maxPolicyBytes))).toMatchObject({ kind: "policy" });
    expect(read(filled(maxPolicyBytes + 1))).toEqual({
      kind: "invalid",
      reason: "the policy is larger than 64 KiB",
    });
  });

  test("is policy or invalid, whatever its bytes", () => {
    const lines = fc.array(fc.oneof(fc.constantFrom(...file().split("\n")), fc.string()));
    const bytes = fc.oneof(
      fc.uint8Array(),
      lines.map((all) => new TextEncoder().encode(all.join("\n"))),
    );
    fc.assert(
      fc.property(bytes, (body) => ["policy", "invalid"].includes(parsePolicy(body, "text/plain").kind)),
    );
  });
});

describe("a pattern", () => {
  test.each([
    ["mx.example.com", "mx.example.com", true],
    ["mx.example.com", "MX.Example.com.", true],
    ["mx.example.com", "example.com", false],
    ["mx.example.com", "a.mx.example.com", false],
    ["*.example.com", "mx.example.com", true],
    ["*.example.com", "a.mx.example.com", false],
    ["*.example.com", "example.com", false],
    ["*.example.com", ".example.com", false],
    ["*.example.com", "mxexample.com", false],
    ["*.example.com", "mx.example.com.evil.test", false],
    ["*.example.com", "*.example.com", false],
    ["example.com", "mx.example.com", false],
    ["*.xn--bcher-kva.test", "mx.xn--bcher-kva.test", true],
    ["*.xn--bcher-kva.test", "mx.bücher.test", true],
  ])("%s and the host %s: %p", (pattern, host, isMatch) => {
    expect(matchesMx([pattern], host)).toBe(isMatch);
    expect(matchesMx(["other.test", pattern], host)).toBe(isMatch);
  });

  test("is needed: none matches nothing", () => {
    expect(matchesMx([], "mx.example.com")).toBe(false);
  });
});
