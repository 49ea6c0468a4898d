import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { simpleParser } from "mailparser";
import MailComposer from "nodemailer/lib/mail-composer";
import { linkId } from "./html-links.ts";
import { leavingMessage } from "./submitted-head.ts";
import { submittedLinks, trackSubmitted } from "./submitted-tracking.ts";
import { clickToken, type Tracking, trackHtml } from "./tracking.ts";
import { wireMistake } from "./wire.ts";

const tracking: Tracking = {
  ...{ opens: true, clicks: true, deliveryId: "0190f7a2-1111-7222-8333-444455556666" },
  ...{ base: "https://links.example.com", secret: new Uint8Array(32).fill(7), ownOrigins: [] },
};
const url = "https://a.test/?x=1&y=2";
const link = '<a href="https://a.test/?x=1&amp;y=2">';
const trackedLink = `<a href="${tracking.base}/t/c/${clickToken(tracking, linkId(url))}">`;
const pixel = trackHtml("", { ...tracking, clicks: false });

const crlf = (text: string) => text.replaceAll(/\r?\n/g, "\r\n");
const bytes = (text: string) => Buffer.from(crlf(text), "latin1");
const track = (text: string, changes: Partial<Tracking> = {}) =>
  trackSubmitted(bytes(text), { ...tracking, ...changes }).toString("latin1");

describe("a message that nodemailer made", () => {
  const html = `<body><p>Grüße, 日本 ${link}x</a> ${"lang ".repeat(300)}</p></body>`;
  const attachments = [
    { filename: "page.html", content: `${link}x</a>`, contentType: "text/html" },
    { filename: "a.bin", content: Buffer.from([0, 1, 2, 255]) },
    { filename: "a.png", cid: "pic", content: Buffer.from([1, 2, 3]) },
  ];
  test.each([
    ["of HTML alone", { html }],
    ["with a text", { html, text: `Text ${url}` }],
    ["with files", { html, text: `Text ${url}`, attachments }],
    ["in base64", { html, text: "Text", textEncoding: "base64" as const, attachments }],
    ["in ASCII", { html: `<body>\n${link}x</a>\n</body>\n`, text: "Text" }],
  ])("%s is tracked in its HTML, and says the same in all else", async (_, mail) => {
    const addresses = { from: "ada@example.com", to: "bob@recipient.test", subject: "Grüße" };
    const raw = await new MailComposer({ ...addresses, ...mail, newline: "\r\n" }).compile().build();
    expect(submittedLinks(raw)).toEqual([[linkId(url), url]]);
    const out = trackSubmitted(raw, tracking);
    expect(trackSubmitted(raw, tracking)).toEqual(out);
    const leaving = Buffer.from(
      leavingMessage(out, { messageId: "<1@x>", date: new Date(0), feedbackId: "f" }),
    );
    expect(wireMistake(leaving)).toBeUndefined();
    const [before, after] = [await simpleParser(raw), await simpleParser(leaving)];
    expect(after.html).toBe(trackHtml(before.html as string, tracking));
    expect(after.html).toContain(trackedLink);
    if ("text" in mail) expect(after.text).toBe(before.text);
    expect(after.attachments.map(({ content }) => content)).toEqual(
      before.attachments.map(({ content }) => content),
    );
    expect(after.subject).toBe("Grüße");
  });
});

test("every byte that is not the text of HTML stays, however odd", () => {
  const message = (html: string, again: string) => `X-Odd:   a\n\tb
From: a@example.com
Content-Type: multipart/mixed;
 boundary="=_o"

Preamble ${link}
--=_o  
Content-Type: multipart/alternative; boundary==_o-i

--=_o-i
Content-Type: text/plain

${link}  
--=_o-i
content-type: TEXT/HTML; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

Gr\xfc\xdfe ${html}x</a>
--=_o-i--
--=_o
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: Quoted-Printable

${again}
--=_o
Content-Type: text/html
Content-Disposition: attachment

${link}
--=_o
Content-Type: message/rfc822

Content-Type: text/html

${link}
--=_o--
Epilogue ${link}
`;
  const before = message(link, "<a =\nhref=3D'https://a.test/?x=3D1&amp;y=3D2'>=C3=BC  \n<a href=3D'#'>");
  const quoted = trackedLink.replaceAll('"', "'").replaceAll("=", "=3D");
  const out = track(before).replaceAll("=\r\n", "");
  expect(out).toBe(
    crlf(message(trackedLink, `${quoted}=C3=BC\n<a href=3D'#'>`))
      .replace("x</a>\r\n", `x</a>${pixel}\r\n`)
      .replaceAll("=\r\n", ""),
  );
});

test.each([
  [
    "signed",
    `Content-Type: multipart/signed; boundary=x\n\n--x\nContent-Type: text/html\n\n${link}\n--x--\n`,
  ],
  [
    "signed within",
    `Content-Type: multipart/mixed; boundary=y\n\n--y\nContent-Type: multipart/signed; boundary=x\n\n--x\nContent-Type: text/html\n\n${link}\n--x--\n--y--\n`,
  ],
  [
    "encrypted",
    `Content-Type: multipart/encrypted; boundary=x\n\n--x\nContent-Type: text/html\n\n${link}\n--x--\n`,
  ],
  ["S/MIME", `Content-Type: application/pkcs7-mime; smime-type=signed-data\n\n${link}\n`],
  ["signed by DKIM", `DKIM-Signature: v=1\nContent-Type: text/html\n\n${link}\n`],
  [
    "a report",
    `Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: text/html\n\n${link}\n--x--\n`,
  ],
  ["of no HTML", `Content-Type: text/plain\n\n${link}\n`],
  ["of an unknown charset", `Content-Type: text/html; charset=utf-7\n\n${link}\n`],
  ["not in its charset", `Content-Type: text/html; charset=utf-8\n\n${link}\xff\n`],
  ["not ASCII", `Content-Type: text/html\n\n${link}\xfc\n`],
  ["Latin-1 with letters of Windows", `Content-Type: text/html; charset=iso-8859-1\n\n${link}\x80\n`],
  ["of an unknown encoding", `Content-Type: text/html\nContent-Transfer-Encoding: x-uue\n\n${link}\n`],
  [
    "of broken quoted-printable",
    `Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n${link}\n`,
  ],
  ["of broken base64", `Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGEgaHJlZj0ia$==\n`],
  [
    "with two encodings",
    `Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\nContent-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n${link}\n--x--\n`,
  ],
  ["without an end to its header", "Content-Type: text/html"],
])("what is %s is left byte for byte", (_, rest) => {
  const message = `From: a@example.com\n${rest}`;
  expect(track(message)).toBe(crlf(message));
  expect(submittedLinks(bytes(message))).toBeUndefined();
});

test("the pixel is in the first HTML alone, and the address to unsubscribe by stays", () => {
  const part = `Content-Type: text/html\n\n${link}x</a>`;
  const out = track(
    `From: a@example.com\nList-Unsubscribe: <mailto:u@a.test>,\n <${url}>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n${part}\n--x\n${part}\n--x--\n`,
  );
  expect(out.split(pixel)).toHaveLength(2);
  expect(out.split(link)).toHaveLength(3);
});

test("a message whose HTML ends with it still ends with a line end, whatever its encoding", () => {
  for (const [encoding, body] of [
    ["7bit", `${link}x</a>`],
    ["quoted-printable", "<p>=3D</p>=\n"],
    ["base64", Buffer.from(link).toString("base64")],
  ] as const) {
    const out = track(
      `From: a@example.com\nContent-Type: text/html\nContent-Transfer-Encoding: ${encoding}\n\n${body}\n`,
    );
    expect(out).toEndWith("\r\n");
    expect(wireMistake(Buffer.from(out, "latin1"))).toBeUndefined();
    expect(out).not.toContain(body);
  }
});

test("a text that ends in a line that goes on gets no line end more", () => {
  const out = track(
    "From: a@example.com\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>x</p>=\n",
  );
  const text = out
    .slice(out.indexOf("\r\n\r\n") + 4)
    .replaceAll("=\r\n", "")
    .replaceAll("=3D", "=");
  expect(text).toBe(`<p>x</p>${pixel}`);
});

test("any text in any encoding is the same but for what tracking changes, and fit for the wire", async () => {
  const text = fc.array(
    fc.constantFrom("a", " ", "\t", "=", "\r", "\n", "\r\n", "é", "日", "--x", ".", link),
    {
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom("quoted-printable", "base64"), async (pieces, encoding) => {
      const html = pieces.join("");
      const hex = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
      const body =
        encoding === "base64"
          ? Buffer.from(html).toString("base64").replace(/.{76}/g, "$&\r\n")
          : Array.from(Buffer.from(html), hex).join("").replace(/.{72}/g, "$&=\r\n");
      const message = `From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: ${encoding}\n\n${body}\n--x--\n`;
      const out = trackSubmitted(bytes(message), tracking);
      expect(wireMistake(out)).toBeUndefined();
      const all = out.toString("latin1");
      const from = all.indexOf("\r\n\r\n", all.indexOf("Content-Transfer")) + 4;
      const encoded = all.slice(from, all.lastIndexOf("\r\n--x--"));
      expect(encoded).not.toMatch(/^--/m);
      const octet = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 16));
      const decoded =
        encoding === "base64"
          ? Buffer.from(encoded, "base64")
          : Buffer.from(encoded.replaceAll("=\r\n", "").replace(/=([0-9A-F]{2})/g, octet), "latin1");
      expect(decoded.toString()).toBe(trackHtml(html, tracking));
    }),
  );
});
