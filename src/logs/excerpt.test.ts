import { expect, test } from "bun:test";
import fc from "fast-check";
import { excerptOf } from "./excerpt.ts";

const keptOf = (value: unknown) => JSON.parse(excerptOf(value)!);

test("a small body is kept as it is, and none is null", () => {
  const body = {
    from: "a@example.com",
    to: ["b@example.org"],
    n: 1.5,
    yes: true,
    none: null,
    deep: [{ x: [] }],
  };
  expect(keptOf(body)).toEqual(body);
  expect(keptOf({ gone: undefined, kept: 1 })).toEqual({ kept: 1 });
  expect(excerptOf(undefined)).toBeNull();
  expect(keptOf(null)).toBeNull();
});

test("a long string is cut and says how long it was", () => {
  expect(keptOf({ html: "x".repeat(256) }).html).toBe("x".repeat(256));
  expect(keptOf({ html: "x".repeat(2_000) }).html).toBe(`${"x".repeat(256)}... (2000 characters)`);
});

test.each([
  "token",
  "access_token",
  "password",
  "new_password",
  "signing_secret",
  "Authorization",
  "apiKey",
  "api_key",
  "private_key",
  "Cookie",
])("the field %s is masked, whatever it holds", (name) => {
  for (const value of ["hunter2", 42, ["hunter2"], { deep: "hunter2" }]) {
    expect(excerptOf({ list: [{ [name]: value }] })).toBe(`{"list":[{${JSON.stringify(name)}:"[masked]"}]}`);
  }
  expect(keptOf({ [name]: null, other: "kept" })).toEqual({ [name]: null, other: "kept" });
});

test("our own tokens and signing secrets are masked wherever they stand", () => {
  const token = `re_${"0f".repeat(32)}`;
  const kept = excerptOf({
    text: `Your key is ${token}.`,
    [token]: 1,
    hook: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  });
  expect(kept).not.toContain("0f0f");
  expect(kept).not.toContain("MfKQ");
  expect(keptOf({ text: `Your key is ${token}.` }).text).toBe("Your key is re_[masked].");
  expect(keptOf({ text: "re_use and whsec_short" }).text).toBe("re_use and whsec_short");
  // Cut in the middle, what is left of it is no key but still nobody's business.
  expect(excerptOf({ text: `${"x".repeat(200)} ${token}` })).not.toContain("0f0f");
});

test("attachments are kept as their size", () => {
  const bytes = Buffer.from("hello attachment");
  const attachments = [
    { filename: "a.txt", content: bytes.toString("base64") },
    { filename: "b.txt", content: [...bytes] },
    { filename: "c.txt", content: bytes.toJSON() },
    { filename: "d.txt", path: "https://example.com/d.txt" },
  ];
  expect(keptOf({ attachments, content: "of something else" })).toEqual({
    attachments: [
      { filename: "a.txt", content: "[16 bytes]" },
      { filename: "b.txt", content: "[16 bytes]" },
      { filename: "c.txt", content: "[16 bytes]" },
      { filename: "d.txt", path: "https://example.com/d.txt" },
    ],
    content: "of something else",
  });
});

test("of a long list the beginning is kept, and how much more there was", () => {
  const emails = Array.from({ length: 100 }, (_, n) => ({
    to: `user${n}@example.org`,
    text: "x".repeat(100),
  }));
  const kept = keptOf(emails);
  expect(kept[0]).toEqual(emails[0]);
  expect(kept.at(-1)).toBe(`... ${100 - (kept.length - 1)} more`);
  expect(excerptOf(emails)!.length).toBeLessThan(4_500);
});

test("whatever the body, what is kept is JSON of a few kilobytes", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: "binary" }), (value) => {
      const kept = excerptOf({ value, again: Array.from({ length: 300 }, () => value) })!;
      JSON.parse(kept);
      expect(kept.length).toBeLessThan(30_000);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test("half a character at the cut does no harm", () => {
  expect(() => keptOf({ text: `${"x".repeat(255)}😀 and more` })).not.toThrow();
});

test("a link that opens without a key is kept without what opens it", () => {
  const url = "https://mail.example.com/shared?token=0195507e~5c00.sz1k2a.4f2A-_x";
  expect(keptOf({ url, data: [{ download_url: `${url}&x=1` }] })).toEqual({
    url: "https://mail.example.com/shared?token=[masked]",
    data: [{ download_url: "https://mail.example.com/shared?token=[masked]&x=1" }],
  });
});
