import { expect, test } from "bun:test";
import fc from "fast-check";
import { type AddressObject, simpleParser } from "mailparser";
import { formatAddress, parseAddress } from "./address.ts";
import { baseBoundaryOf, composeMessage, fieldsOf, type MessageSource } from "./compose.ts";
import { headerMistake } from "./headers.ts";
import { mimeTree } from "./mime.ts";
import { shownContent } from "./text-parts.ts";
import { wireMistake } from "./wire.ts";

const source = (change: Partial<MessageSource> = {}): MessageSource => ({
  messageId: "<0190f7a2@example.com>",
  date: new Date("2026-01-02T03:04:05Z"),
  from: "Ada Lovelace <ada@example.com>",
  to: ["bob@example.net"],
  cc: [],
  replyTo: [],
  subject: "Hello",
  text: "Hi",
  headers: {},
  attachments: [],
  ...change,
});

/** The message, which by every test here is byte for byte what nodemailer's MailComposer would have made. */
async function compose(change: Partial<MessageSource> = {}): Promise<Buffer> {
  const whole = source(change);
  const message = Buffer.from(await composeMessage(whole));
  const body = { ...shownContent(whole), attachments: whole.attachments };
  const library = await mimeTree(fieldsOf(whole), baseBoundaryOf(whole.messageId), body).build();
  expect(message.toString("latin1")).toBe(library.toString("latin1"));
  return message;
}
const parse = async (change: Partial<MessageSource>) =>
  simpleParser(await compose(change), { skipTextToHtml: true });
const headerOf = (message: Buffer) => message.subarray(0, message.indexOf("\r\n\r\n")).toString();
const fieldNames = (message: Buffer) =>
  headerOf(message)
    .split(/\r\n(?![ \t])/)
    .map((field) => field.slice(0, field.indexOf(":")));
const addresses = (of: AddressObject | AddressObject[] | undefined) =>
  [of ?? []].flat().flatMap(({ value }) => value.map(({ name, address }) => `${name}|${address}`));
const bytes = (length: number, step: number) => new Uint8Array(length).map((_, index) => index * step);

test("a plain message has exactly these bytes", async () => {
  expect((await compose({ text: "Hi\nthere\r.\r\n" })).toString()).toBe(
    [
      "From: Ada Lovelace <ada@example.com>",
      "To: bob@example.net",
      "Message-ID: <0190f7a2@example.com>",
      "Date: Fri, 02 Jan 2026 03:04:05 +0000",
      "Subject: Hello",
      "Content-Transfer-Encoding: 7bit",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "Hi",
      "there",
      ".",
      "",
    ].join("\r\n"),
  );
});

test("what goes in comes out at a reader", async () => {
  const text = "Grüße\r\n.\r\n..\r\nFrom here  \r\n\ttab = equals =20 日本語 🎉";
  const html = `<p>${"é".repeat(3000)}</p>\r\n.\r\n<img src="cid:logo@x">`;
  const logo = {
    filename: "logo.png",
    contentType: "image/png",
    contentId: "logo@x",
    content: bytes(5000, 7),
  };
  const report = { filename: "Bericht für 日本.pdf", content: bytes(1 << 16, 13) };
  const note = {
    filename: "a.txt",
    contentType: "text/plain; charset=iso-8859-1",
    content: Buffer.from("x\ny\rz\xff"),
  };
  const parsed = await parse({
    from: '"Ada, L." <ada@example.com>',
    to: ["Bob ✓ <bob@bücher.example>", "c@example.net"],
    cc: ["Ürsel <ürsel@example.org>"],
    replyTo: ["r1@example.com", "Reply Desk <r2@example.com>"],
    subject: "Grüße 🎉  from =?utf-8?Q?here?=",
    text,
    html,
    headers: { "X-Entity-Ref-ID": "42", "X-Greeting": "Grüße  an alle" },
    attachments: [logo, report, note],
  });
  expect(parsed.subject).toBe("Grüße 🎉  from =?utf-8?Q?here?=");
  expect(addresses(parsed.from)).toEqual(["Ada, L.|ada@example.com"]);
  expect(addresses(parsed.to)).toEqual(["Bob ✓|bob@bücher.example", "|c@example.net"]);
  expect(addresses(parsed.cc)).toEqual(["Ürsel|ürsel@example.org"]);
  expect(addresses(parsed.replyTo)).toEqual(["|r1@example.com", "Reply Desk|r2@example.com"]);
  expect(parsed.messageId).toBe("<0190f7a2@example.com>");
  expect(parsed.date).toEqual(new Date("2026-01-02T03:04:05Z"));
  expect(parsed.headers.get("x-entity-ref-id")).toBe("42");
  expect(parsed.headers.get("x-greeting")).toBe("=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=");
  expect(parsed.text?.trimEnd()).toBe(text.replaceAll("\r\n", "\n"));
  // The parser resolves `cid:` links, which is the proof that the image is where a reader looks for it.
  expect(parsed.html).toStartWith(`<p>${"é".repeat(3000)}</p>\n.\n<img src="data:image/png;base64,`);

  const found = parsed.attachments.map(({ filename, contentType, related }) => ({
    filename,
    contentType,
    related: related === true,
  }));
  expect(found).toEqual([
    { filename: "logo.png", contentType: "image/png", related: true },
    { filename: "Bericht für 日本.pdf", contentType: "application/pdf", related: false },
    { filename: "a.txt", contentType: "text/plain", related: false },
  ]);
  for (const [index, { content }] of [logo, report, note].entries()) {
    expect(parsed.attachments[index]?.content.equals(content)).toBe(true);
  }
});

test("a text part is made from HTML unless there is a text or it is empty", async () => {
  const html = '<h1>Hello</h1><p>See <a href="https://example.com/">this</a></p>';
  expect((await parse({ html, text: undefined })).text).toContain("See this <https://example.com/>");
  expect((await parse({ html, text: "Mine" })).text?.trim()).toBe("Mine");
  const htmlOnly = await compose({ html, text: "" });
  expect(headerOf(htmlOnly)).toContain("Content-Type: text/html; charset=utf-8");
  expect(headerOf(await compose({ text: undefined }))).toContain("Content-Type: text/plain");
});

test("composing again gives the same bytes, and another Message-ID other boundaries", async () => {
  const change = { html: "<p>x</p>", attachments: [{ content: bytes(300, 3) }] };
  const message = await compose(change);
  expect(await compose(change)).toEqual(message);
  expect(
    headerOf(await compose({ ...change, messageId: "<2@example.com>" })).match(/boundary=.*/)?.[0],
  ).not.toBe(headerOf(message).match(/boundary=.*/)?.[0]);
});

test("a message names no blind recipients, even when a caller passes them along", async () => {
  const passed = { ...source(), bcc: ["secret@example.net"] };
  expect(Buffer.from(await composeMessage(passed)).toString()).not.toMatch(/bcc|secret@/i);
  await expect(compose({ headers: { Bcc: "secret@example.net" } })).rejects.toThrow("`bcc`");
  expect(headerOf(await compose({ to: [] }))).toContain("To: Undisclosed recipients:;");
});

test("headers are ASCII, but for an address that needs SMTPUTF8", async () => {
  const unicode = {
    from: "Ádá <ada@bücher.example>",
    subject: "日本語",
    headers: { "X-Greeting": "Grüße" },
    attachments: [{ filename: "Ü.txt", content: bytes(9, 1) }],
  };
  expect((await compose(unicode)).toString()).toMatch(/^[\0-\x7f]*$/);
  expect(headerOf(await compose({ to: ["ü@example.net"] }))).toContain("To: ü@example.net");
});

const longs: Record<string, Partial<MessageSource>> = {
  "a subject of one long word": { subject: "x".repeat(5000) },
  "a subject of spaces": { subject: ` ${" ".repeat(2000)}x${" ".repeat(2000)}` },
  "a Unicode subject": { subject: "語".repeat(3000) },
  "a body line": { text: "x".repeat(5000), html: "y".repeat(100_000) },
  "a header of words": { headers: { "X-Long": "word ".repeat(300) } },
  "a header of one word": { headers: { "X-Long": "x".repeat(899) } },
  "a header of spaces": { headers: { "X-Long": `a${" ".repeat(1000)}b` } },
  "a file name": { attachments: [{ filename: `${"ü".repeat(3000)}.pdf`, content: bytes(3, 1) }] },
  "a file name of ASCII": { attachments: [{ filename: `${"a".repeat(3000)}.pdf`, content: bytes(3, 1) }] },
  "a media type": {
    attachments: [{ contentType: `text/plain; x=${"y".repeat(3000)}`, content: bytes(3, 1) }],
  },
  "a content id": { html: "x", attachments: [{ contentId: "c".repeat(3000), content: bytes(3, 1) }] },
  "hundreds of recipients": {
    to: Array.from({ length: 500 }, (_, index) => `User ${index} <u${index}@example.net>`),
  },
};
for (const [what, change] of Object.entries(longs)) {
  test(`${what} of any length fits the lines of RFC 5322`, async () => {
    const message = await compose(change);
    expect(wireMistake(message)).toBeUndefined();
    // A line of white space alone ends the header for some hosts.
    expect(headerOf(message)).not.toMatch(/\r\n[ \t]+\r\n/);
  });
}

test("no subject, name, address, header or attachment yields another header field or part", async () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom(
      "x\r\nBcc: eve@example.org",
      "x\n\nbody",
      "x\rX-Evil: 1",
      "x\u2028y",
      '"\\',
      "=?utf-8?Q?=0D=0ABcc:_x?=",
    ),
    fc
      .array(fc.constantFrom("a", " ", "\t", "\r\n", "\0", ":", '"', "ü", "\ud83d", ";", "=?"), {
        maxLength: 40,
      })
      .map((p) => p.join("")),
  );
  const expected = fieldNames(
    await compose({
      html: "<p>x</p>",
      headers: { "X-Client": "x" },
      attachments: [{ content: bytes(9, 1) }],
    }),
  );
  await fc.assert(
    fc.asyncProperty(text, text, text, text, async (subject, name, value, about) => {
      const from = formatAddress({ name, address: "ada@example.com" });
      const message = await compose({
        subject,
        from: parseAddress(from) === undefined ? "ada@example.com" : from,
        headers: { "X-Client": headerMistake("X-Client", value) === undefined ? value : "x" },
        html: "<p>x</p>",
        text: about,
        attachments: [{ filename: about, contentType: `text/x; name="${about}"`, content: bytes(9, 1) }],
      });
      expect(fieldNames(message).filter((field) => field !== "Subject")).toEqual(
        expected.filter((field) => field !== "Subject"),
      );
      const delimiters = message.toString().match(/\r\n----_MailIt-[0-9a-f]{32}-Part_\d\r\n/g);
      expect(delimiters?.length).toBe(about === "" ? 2 : 4);
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("any subject arrives as it was", async () => {
  const subjects = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 80 })
    .filter((subject) => subject.trim() === subject && !/[\p{Zl}\p{Zp}]/u.test(subject));
  await fc.assert(
    fc.asyncProperty(subjects, async (subject) => {
      expect((await parse({ subject })).subject ?? "").toBe(subject);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("an attached message stays a message only when it is fit for the wire", async () => {
  const attach = async (content: string, contentType = "message/rfc822") =>
    (
      await compose({ attachments: [{ filename: "m.eml", contentType, content: Buffer.from(content) }] })
    ).toString();
  const good = "Subject: inner\r\n\r\nhello\r\n";
  expect(await attach(good)).toContain(`Content-Type: message/rfc822; name=m.eml\r\n`);
  expect(await attach(good)).toContain(good);
  for (const bad of [
    good.replaceAll("\r\n", "\n"),
    `${good}\r\n.\n`,
    `${good}ü\r\n`,
    `${good}${"x".repeat(999)}\r\n`,
  ]) {
    expect(await attach(bad)).toContain("Content-Type: application/octet-stream; name=m.eml\r\n");
    expect(await attach(bad)).toContain(Buffer.from(bad).toString("base64").slice(0, 30));
  }
  expect(await attach(good, "multipart/mixed; boundary=x")).toContain("application/octet-stream");
  expect(await attach(good, "text/plain\r\nX-Evil: 1")).toContain("application/octet-stream");
  expect(await attach(good, "nonsense")).toContain("application/octet-stream");
});

test("an attachment's name has no folders, and one without a name gets one", async () => {
  const named = await parse({
    attachments: [{ filename: "../../etc\\passwd\r\n.txt", content: bytes(3, 1) }],
  });
  expect(named.attachments[0]?.filename).toBe(".._.._etc_passwd_.txt");
  const unnamed = await parse({ attachments: [{ contentType: "application/pdf", content: bytes(3, 1) }] });
  expect(unnamed.attachments[0]?.filename).toBe("attachment-1.pdf");
});

test("nothing a source says makes the composer read a file or a URL", async () => {
  const trick = { path: "/etc/hostname", href: "http://127.0.0.1/" };
  const attachment = { filename: "a.txt", content: Buffer.from("mine"), ...trick };
  expect((await parse({ attachments: [attachment] })).attachments[0]?.content.toString()).toBe("mine");
});

test("a source that is no message is refused rather than sent", async () => {
  await expect(compose({ from: "nobody" })).rejects.toThrow("Not an address");
  await expect(compose({ to: ["a@example.net, b@example.net"] })).rejects.toThrow("Not an address");
  await expect(compose({ messageId: "<a@example.com>\r\nBcc: x@example.com" })).rejects.toThrow(
    "Not a Message-ID",
  );
  await expect(compose({ headers: { "X-Evil": "a\r\nBcc: x@example.com" } })).rejects.toThrow("line break");
  await expect(compose({ headers: { Received: "from x" } })).rejects.toThrow("set by the server");
});
