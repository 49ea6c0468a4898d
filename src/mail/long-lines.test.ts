import { expect, test } from "bun:test";
import fc from "fast-check";
import { simpleParser } from "mailparser";
import { encodeLongLines } from "./long-lines.ts";
import { wireMistake } from "./wire.ts";

const bytes = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"), "latin1");
const encode = (text: string) => encodeLongLines(bytes(text)).toString("latin1");
const long = `<p>${"Gr\xfc\xdfe = ".repeat(200)}</p>`;

test("a long line of text is encoded, and says the same", async () => {
  const message = `From: a@example.com\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n\n${long}\n`;
  const encoded = encodeLongLines(bytes(message));
  expect(wireMistake(encoded)).toBeUndefined();
  expect(encoded.toString("latin1")).toStartWith(
    "From: a@example.com\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
  );
  expect((await simpleParser(encoded)).html).toBe(`<p>${"Grüße = ".repeat(200)}</p>\n`);
  expect(encodeLongLines(encoded)).toEqual(encoded);
});

test("of several parts only the one with the long line is touched, however deep it stands", () => {
  const inner = (part: string) => `From: a@example.com
Content-Type: multipart/mixed;
 boundary="=_outer"

Preamble
--=_outer
Content-Type: multipart/alternative; boundary==_outer-inner

--=_outer-inner
Content-Type: text/plain

  Short  
--=_outer-inner
${part}
--=_outer-inner--
--=_outer
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAEC
--=_outer--
Epilogue
`;
  const encoded = encode(inner(`Content-Type: text/html\n\n${"x".repeat(1_000)}`));
  const html = `${"x".repeat(73)}=\r\n`.repeat(13) + "x".repeat(1_000 - 13 * 73);
  expect(encoded).toBe(
    bytes(inner(`Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n${html}`)).toString(
      "latin1",
    ),
  );
});

test.each([
  `Content-Type: multipart/signed; boundary=x\n\n--x\n\n${long}\n--x--\n`,
  `Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/encrypted; boundary=y\n\n--y\n\n${long}\n--y--\n--x--\n`,
  `Content-Type: application/pdf\n\n${long}\n`,
  `Content-Type: message/rfc822\n\nSubject: x\n\n${long}\n`,
  `Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n${long}\n`,
  `Content-Type: multipart/mixed\n\n--x\n\n${long}\n--x--\n`,
  `Content-Type: multipart/digest; boundary=x\n\n--x\n\nSubject: a\n\n${long}\n--x--\n`,
  `Subject: ${long}\n\nx\n`,
  "Subject: short\n\nx\n",
])("what must not be touched stays: %#", (message) => {
  expect(encode(message)).toBe(bytes(message).toString("latin1"));
});

test("a part without a header gets one", () => {
  const body = `x\n\n${"y".repeat(1_000)}`;
  const encoded = encode(`Content-Type: multipart/mixed; boundary=b\n\n--b\n\n${body}\n--b--\n`);
  expect(encoded).toContain("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx\r\n\r\nyyy");
});

test("no line break of ours makes a delimiter", () => {
  const body = `${"x".repeat(73)}--b ${"y".repeat(1_000)}`;
  const encoded = encode(`Content-Type: multipart/mixed; boundary=b\n\n--b\n\n${body}\n--b--\n`);
  expect(encoded.match(/^--b/gm)).toHaveLength(2);
});

test("any text of any lines says the same afterwards", async () => {
  const line = fc
    .string({ unit: "binary-ascii", maxLength: 1_500 })
    .map((text) => text.replace(/[\r\n\0]/g, "-"));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 4 }), async (lines) => {
      const text = [...lines, "z".repeat(1_200)].join("\r\n");
      const encoded = encodeLongLines(bytes(`Content-Type: text/plain\n\n${text}`));
      const { text: read } = await simpleParser(encoded);
      expect(read?.replace(/\n/g, "\r\n")).toBe(text);
      expect(
        encoded
          .toString("latin1")
          .split("\r\n")
          .every((each) => each.length <= 76),
      ).toBeTrue();
    }),
    { numRuns: 100 },
  );
});
