import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatAddress, parseAddress } from "./address.ts";
import { fieldsOf, type MessageSource } from "./compose.ts";
import { fieldMistake } from "./headers.ts";
import { mimeTree } from "./mime.ts";
import { buildPlain } from "./plain.ts";
import { encodeTextPart, type TextPart } from "./text-part.ts";

const base: MessageSource = {
  messageId: "<1@example.com>",
  date: new Date("2026-01-02T03:04:05Z"),
  from: "Ada <ada@example.com>",
  to: ["bob@example.net"],
  cc: [],
  replyTo: [],
  subject: "Hello",
  headers: {},
  attachments: [],
};

/** The message by both ways, as latin1 so that a difference in bytes is one in text. */
async function bothWays(change: Partial<MessageSource>): Promise<[plain: string, library: string]> {
  const source = { ...base, ...change };
  const { text = "", html = "" } = source;
  const parts: TextPart[] = [];
  if (text !== "") parts.push(await encodeTextPart("text/plain", text));
  if (html !== "") parts.push(await encodeTextPart("text/html", html));
  const plain = buildPlain(fieldsOf(source), "--_MailIt-0123456789abcdef-Part_1", parts);
  const tree = mimeTree(fieldsOf(source), "0123456789abcdef", { text, html, attachments: [] });
  const library = await tree.build();
  return [Buffer.from(plain).toString("latin1"), library.toString("latin1")];
}

const shapes: Record<string, Partial<MessageSource>> = {
  "neither text nor html": {},
  "text alone": { text: "Hi" },
  "text that ends its last line": { text: "Hi\r\n" },
  "html alone": { html: "<p>Hi</p>" },
  both: { text: "Hi\n", html: "<p>Hi</p>" },
  "line ends of every kind": { text: "a\nb\rc\r\nd\n\re\r", html: "\n\r\r\n\n" },
  "nothing but white space": { text: " \t \r\n ", html: " " },
  "a line of 76 characters": { text: "x".repeat(76), html: `${"y".repeat(75)} \n` },
  "a line of 77 characters": { text: "x".repeat(77), html: `${"y".repeat(76)} \n` },
  "long lines with white space at the end": {
    text: `${"word ".repeat(30)}   \t `,
    html: ` ${"x".repeat(75)}\t`,
  },
  "a line that only its white space makes long": { text: `${"word ".repeat(15)}   \t `, html: "é   " },
  "dots and From lines": { text: ".\n..\n.x\nFrom here\n", html: `.\n${".".repeat(100)}` },
  "as many letters as others": { text: "aé", html: "é日a" },
  "digits without letters in a long line": { text: "1".repeat(100), html: "2 ".repeat(100) },
  "controls, NUL and DEL": { text: "a\0b\x7fc\x1b", html: "\x7f" },
  "halves of surrogate pairs": { text: "a\ud83d b", html: "\ude00" },
  "emoji and combining characters": { text: "👩‍👩‍👧‍👦 Å e\u0301".repeat(40), html: "🎉".repeat(200) },
  "ASCII text of 128 KiB in short lines": { text: "words in a line\r\n".repeat(7710) },
  "ASCII text of more than 128 KiB in short lines": { text: "words in a line\r\n".repeat(7711) },
  "encoded text of more than 64 KiB": { html: `${"Grüße an alle, und noch ein Wort. ".repeat(2500)}  ` },
  "encoded text that has white space at 64 KiB": {
    html: `${"x".repeat(65_530)}${" ".repeat(20)}y\n${"é".repeat(9)}`,
  },
  "base64 text of 300 KB": { text: "語".repeat(100_000), html: "語\n".repeat(100_000) },
  "no subject": { subject: "", text: "x" },
  "no recipients": { to: [], text: "x" },
  "only a cc": { to: [], cc: ["c@example.org"], text: "x" },
  "international addresses": {
    from: "Ádá <ada@bücher.example>",
    to: ["ü@example.net", "Ürsel <ürsel@bücher.example>", '"B. \\"Q\\" O\'Neil, jr." <b@example.net>'],
    replyTo: ["=?utf-8?Q?x?= <r@example.com>", '"日本 太郎" <taro@例え.example>'],
    text: "x",
  },
  "hundreds of recipients": {
    to: Array.from({ length: 300 }, (_, index) => `User ${index} <u${index}@example.net>`),
    cc: Array.from({ length: 300 }, (_, index) => `ü${index}@example.net`),
    text: "x",
  },
  "a Feedback-ID": {
    headers: {
      "Feedback-ID": `${"0".repeat(32)}-${"1".repeat(24)}:${"k".repeat(36)}:example.com:team:mailit`,
    },
    text: "x",
  },
  "fields of every sort": {
    headers: {
      "list-unsubscribe": `<https://example.com/u/${"t".repeat(300)}>, <mailto:u@example.com>`,
      "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
      References: "<a@example.com> b@example.com",
      "In-Reply-To": "a@example.com",
      "X-SMTPAPI": '{"a": "b"}',
      "x-umlaut": "Grüße an alle und an jeden, der dies hier lesen kann und mag",
      "OTP-Token": '"1"; origin="https://example.com"',
      "X-Long": "word ".repeat(300),
      "X-Quote": 'say "this"',
      "X-Encoded": "=?utf-8?Q?a?= and =?utf-8?X?b c?=",
    },
    text: "x",
  },
};
for (const [shape, change] of Object.entries(shapes)) {
  test(`a message with ${shape} has the bytes that MailComposer makes`, async () => {
    const [plain, library] = await bothWays(change);
    expect(plain).toBe(library);
  });
}

const piece = fc.constantFrom(
  "a",
  "word ",
  " ",
  "  ",
  "\t",
  "\n",
  "\r",
  "\r\n",
  ".",
  "=",
  "é",
  "語",
  "🎉",
  "\0",
  "\x7f",
  "\ud83d",
  "x".repeat(70),
  ", ",
  "?=",
  "=?",
  '"',
  "<",
  "\u2028",
  "=20",
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 80 }).map((pieces) => pieces.join("")),
  fc
    .array(fc.constantFrom("word", " ", "a", "\n", "é", ".", "12345678"), { maxLength: 300 })
    .map((pieces) => pieces.join("")),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
);
const local = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
  fc.constantFrom("a", "ü", "a.b", "o'neil", "a+b"),
);
const domain = fc.constantFrom(
  "example.com",
  "bücher.example",
  "EXAMPLE.org",
  "xn--bcher-kva.example",
  "例え.example",
);
const address = fc.tuple(text, local, domain).map(([name, user, host]) => {
  const shown = formatAddress({ name: name.slice(0, 60), address: `${user}@${host}` });
  return (
    [shown, `${user}@${host}`].find((written) => parseAddress(written) !== undefined) ?? "ada@example.com"
  );
});
const header = fc
  .tuple(
    fc.constantFrom("X-A", "x-b-spf", "References", "Feedback-ID", "List-Id", "mime-x", "In-Reply-To"),
    text,
  )
  .filter(([name, value]) => fieldMistake(name, value) === undefined);

test("any text and any HTML give the bytes that MailComposer makes", async () => {
  const content = fc.record({ text, html: text });
  await fc.assert(
    fc.asyncProperty(content, async (change) => {
      const [plain, library] = await bothWays(change);
      expect(plain).toBe(library);
    }),
    { seed: 1, numRuns: 600 },
  );
});

test("any fields give the bytes that MailComposer makes", async () => {
  const fields = fc.record({
    subject: text,
    from: address,
    to: fc.array(address, { maxLength: 8 }),
    cc: fc.array(address, { maxLength: 3 }),
    replyTo: fc.array(address, { maxLength: 2 }),
    headers: fc.array(header, { maxLength: 4 }).map((headers) => Object.fromEntries(headers)),
    text: fc.constantFrom("", "x"),
  });
  await fc.assert(
    fc.asyncProperty(fields, async (change) => {
      const [plain, library] = await bothWays(change);
      expect(plain).toBe(library);
    }),
    { seed: 2, numRuns: 500 },
  );
});
