import { expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalName } from "./resolver.ts";

test("a name is asked for in ASCII, in lower case and without its trailing dot", () => {
  expect(canonicalName("MX1.Example.COM.")).toBe("mx1.example.com");
  expect(canonicalName("_dmarc.Bücher.example")).toBe("_dmarc.xn--bcher-kva.example");
  expect(canonicalName("127.1")).toBe("127.1");
});

test("a name that no DNS message can carry is none", () => {
  for (const name of [
    "",
    ".",
    "a..b",
    ".a",
    "a b.test",
    "a\0.test",
    `${"a".repeat(64)}.test`,
    "é..test",
    `${"a.".repeat(127)}ab`,
  ])
    expect(canonicalName(name)).toBeUndefined();
});

test("whatever the text, a canonical name is its own canonical form", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const name = canonicalName(text);
      if (name !== undefined) expect(canonicalName(name)).toBe(name);
    }),
  );
});
