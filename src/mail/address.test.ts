import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress, recipientKey } from "./address.ts";

test("an address is read with or without a name", () => {
  const ada = { address: "Ada.L+x@example.com", local: "Ada.L+x", domain: "example.com" };
  expect(parseAddress("Ada.L+x@Example.COM")).toEqual(ada);
  expect(parseAddress("  <Ada.L+x@example.com> ")).toEqual(ada);
  expect(parseAddress("Ada Lovelace <Ada.L+x@example.com>")).toEqual({ name: "Ada Lovelace", ...ada });
  expect(parseAddress('"Lovelace, \\"Ada\\"" <Ada.L+x@example.com>')).toEqual({
    name: 'Lovelace, "Ada"',
    ...ada,
  });
  expect(parseAddress("Ádá 🎉 [Acme] <Ada.L+x@example.com>")).toEqual({ name: "Ádá 🎉 [Acme]", ...ada });
  expect(parseAddress("Ada<Ada.L+x@example.com>")).toEqual({ name: "Ada", ...ada });
});

test("a Unicode local part stays and a Unicode domain becomes ASCII", () => {
  expect(parseAddress("Ürsel@Bücher.example")).toEqual({
    address: "Ürsel@xn--bcher-kva.example",
    local: "Ürsel",
    domain: "xn--bcher-kva.example",
  });
});

const refused = [
  "",
  "ada",
  "@example.com",
  "ada@",
  "<>",
  "ada@example.com, bob@example.com",
  "ada@example.com bob@example.com",
  "Ada <ada@example.com>, Bob <bob@example.com>",
  "Ada <ada@example.com> trailing",
  "Ada <ada@example.com>>",
  "Ada <<ada@example.com>>",
  "Team: ada@example.com;",
  "Team: Ada <ada@example.com>;",
  "undisclosed-recipients:;",
  "ada(comment)@example.com",
  "Ada (Acme) <ada@example.com>",
  "ada@example.com (Ada)",
  "eve@example.org <ada@example.com>",
  "Lovelace, Ada <ada@example.com>",
  '"Ada <ada@example.com>',
  '"Ada" Lovelace" <ada@example.com>',
  "<@relay.example,@b.example:ada@example.com>",
  "ada%example.com@example.com@example.org",
  '"ada lovelace"@example.com',
  ".ada@example.com",
  "ada.@example.com",
  "a..da@example.com",
  "ada @example.com",
  "ada@ example.com",
  "ada@[192.0.2.1]",
  "ada@192.0.2.1",
  "ada@0x7f.1",
  "ada@localhost",
  "ada@example..com",
  "ada@example.com.",
  "ada@.example.com",
  "ada@-example.com",
  "ada@example-.com",
  "ada@exam_ple.com",
  "ada@exam/ple.com",
  "ada@exam%41ple.com",
  "ada@example．com",
  "ada@xn--a.ü.com",
  `ada@${"a".repeat(64)}.com`,
  `ada@${"a.".repeat(126)}com`,
  `${"a".repeat(65)}@example.com`,
  `${"ü".repeat(33)}@example.com`,
  `${"a".repeat(64)}@${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example`,
  `${"n".repeat(400)} <ada@example.com>`,
  "ada@example.com\r\nBcc: eve@example.org",
  '"Ada\r\nBcc: eve@example.org" <ada@example.com>',
  "ada@example.com\0",
  "ada\u007f@example.com",
  "Ada\u0085 <ada@example.com>",
  "Ada\u2028 <ada@example.com>",
  "Ada\ud800 <ada@example.com>",
];
test.each(refused)("%j is refused", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test("an address formatted for a header reads as the same address", () => {
  const names = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.constantFrom('a "b" \\c', "x, y", "<z@a.b>"),
  );
  fc.assert(
    fc.property(names, (name) => {
      const text = formatAddress({ name, address: "ada@example.com" });
      const parsed = parseAddress(text);
      // Whatever the name, the address is the one we meant, on one line.
      if (parsed !== undefined) expect(parsed.address).toBe("ada@example.com");
      expect(text).not.toMatch(/[\r\n\0]/);
      if (parsed !== undefined) expect(parseAddress(formatAddress(parsed))).toEqual(parsed);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("what is read from any text is one plain address", () => {
  const text = fc
    .array(
      fc.constantFrom(
        "a",
        "@",
        ".",
        "b.co",
        "<",
        ">",
        '"',
        "\\",
        ",",
        ";",
        ":",
        "(",
        ")",
        " ",
        "\r\n",
        "ü",
        "-",
      ),
    )
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (input) => {
      const parsed = parseAddress(input);
      if (parsed === undefined) return;
      expect(parsed.address).toMatch(/^[^\s@<>",;:()\\]+@[a-z0-9.-]+$/);
      expect(parsed.address).toBe(`${parsed.local}@${parsed.domain}`);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test("two spellings of one mailbox have one key", () => {
  expect(recipientKey("Ada@example.com")).toBe(recipientKey("aDA@example.com"));
  expect(recipientKey("u\u0308@example.com")).toBe(recipientKey("Ü@example.com"));
});
