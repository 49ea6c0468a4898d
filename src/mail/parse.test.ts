import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseMessage } from "./parse.ts";

const bytes = (text: string) => new TextEncoder().encode(text.replaceAll(/\r?\n/g, "\r\n"));
const parse = (text: string) => parseMessage(bytes(text));

test("a message is read into its fields, bodies and attachments", async () => {
  const message = await parse(`Message-ID: <1@example.net>
From: "Ada Lovelace" <ada@example.net>
To: Support <support@example.com>, second@example.com
Cc: Team: a@example.com, b@example.com;
Reply-To: =?utf-8?q?J=C3=BCrgen?= <j@example.net>
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Received: from one
Received: from two
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--inner
Content-Type: text/html; charset=utf-8

<p>Hello <img src="cid:logo@1"></p>
--inner--
--outer
Content-Type: image/png; name=logo.png
Content-Disposition: inline; filename=logo.png
Content-ID: <logo@1>
Content-Transfer-Encoding: base64

iVBORw==
--outer
Content-Type: text/csv
Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.csv

a,b
--outer--
`);
  expect(message).toMatchObject({
    messageId: "<1@example.net>",
    from: "Ada Lovelace <ada@example.net>",
    to: ["Support <support@example.com>", "second@example.com"],
    cc: ["a@example.com", "b@example.com"],
    bcc: [],
    replyTo: ["Jürgen <j@example.net>"],
    subject: "Grüße",
    html: '<p>Hello <img src="cid:logo@1"></p>',
    text: "Grüße",
    reportType: null,
    problem: null,
  });
  expect(message.headers.received).toBe("from one\nfrom two");
  expect(message.attachments.map(({ content, ...about }) => ({ ...about, size: content.length }))).toEqual([
    {
      filename: "logo.png",
      contentType: "image/png",
      contentDisposition: "inline",
      contentId: "logo@1",
      size: 4,
    },
    {
      filename: "résumé.csv",
      contentType: "text/csv",
      contentDisposition: "attachment",
      contentId: null,
      size: 3,
    },
  ]);
});

test("a message inside a message stays an attachment and lends it nothing", async () => {
  const message = await parse(`From: a@example.net
Subject: outside
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

look
--b
Content-Type: message/rfc822
Content-Disposition: inline

From: b@example.net
Subject: inside

quoted
--b--
`);
  expect(message).toMatchObject({ subject: "outside", text: "look", html: null });
  expect(message.attachments.map(({ contentType }) => contentType)).toEqual(["message/rfc822"]);
});

test("more parts than anybody needs are not unpacked, and the message says so with its head kept", async () => {
  const parts = Array.from({ length: 2_000 }, () => "--b\nContent-Type: text/plain\n\nx\n").join("");
  const message = await parse(
    `From: a@example.net\nSubject: bomb\nContent-Type: multipart/mixed; boundary=b\n\n${parts}--b--\n`,
  );
  expect(message).toMatchObject({ from: "a@example.net", subject: "bomb", text: null, attachments: [] });
  expect(message.problem).toStartWith("The message could not be read whole: ");
});

test("parts nested thousands deep are no deeper for us", async () => {
  const levels = 3_000;
  const open = Array.from(
    { length: levels },
    (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`,
  );
  const message = await parse(`Subject: nest\n${open.join("")}Content-Type: text/plain\n\ndeep\n`);
  expect(message.subject).toBe("nest");
  expect(message.problem).not.toBeNull();
});

test("a head without end is cut", async () => {
  const message = await parse(`Subject: long\nX-Pad: ${"x".repeat(600_000)}\n\nbody`);
  expect(message.subject).toBe("long");
  expect(message.problem).not.toBeNull();
});

test("an unknown charset, a broken encoded word and bytes of no charset still give text", async () => {
  const message = await parse(`Subject: =?x-klingon?q?caf=E9?= =?utf-8?b?@@@?=
Content-Type: text/plain; charset=x-klingon

plain`);
  expect(message.text).toBe("plain");
  expect(message.problem).toBeNull();
});

test.each([
  ["filename*=utf-8''gr%C3%BC%C3%9Fe.txt", "grüße.txt"],
  ["filename*=iso-8859-1'de'gr%FC.txt; filename=plain.txt", "grü.txt"],
  ["filename*0*=utf-8''gr%C3; filename*1*=%BC; filename*2=.txt", "grü.txt"],
  ["filename*1=b.txt; filename*0=a", "ab.txt"],
  ['filename="=?utf-8?q?gr=C3=BC.txt?="', "grü.txt"],
  ["filename==?utf-8?b?Z3LDvC50eHQ=?=", "grü.txt"],
  ['filename="a\\"b.txt"', 'a"b.txt'],
  ['filename="unclosed.txt', "unclosed.txt"],
  ["filename*=utf-8''a%00%0D%0Ab.txt", "a b.txt"],
  ["filename*=x-klingon''a%FFb.txt", "a\ufffdb.txt"],
  ["filename*999999999=a; filename*0=b", "ba"],
  ["filename*0*=''", null],
  ["filename*__proto__=x; __proto__=y; constructor=z", null],
])("a file's name is read from %s", async (parameters, filename) => {
  const message = await parse(`Content-Type: multipart/mixed; boundary=b

--b
Content-Disposition: attachment; ${parameters}

x
--b--
`);
  expect(message.problem).toBeNull();
  expect(message.attachments).toMatchObject([{ filename, contentDisposition: "attachment" }]);
});

test.each([
  ["=?utf-8?q?gr=C3=BC?= =?utf-8?q?=C3=9Fe?=", "grüße"],
  ["=?utf-8?q?gr=C3?= =?utf-8?q?=BC?=", "grü"], // a character cut in two, which RFC 2047 §5 forbids and many do
  ["=?utf-8?b?w?= =?utf-8?b?7w=?=", "ü"],
  ["a=?utf-8?q?b?=c", "abc"],
  ["=?utf-8*de?q?hallo?=", "hallo"], // RFC 2231 §5
  ["=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"],
  ["=?gb18030?b?xOO6ww==?=", "你好"],
  ["=?utf-16?b?AGEAYg==?=", "ab"],
  ["=?utf-8?x?abc?=", "=?utf-8?x?abc?="],
  ["=??q?x?=", "=??q?x?="],
  ["=?utf-8?q?", "=?utf-8?q?"],
  ["=?utf-8?q?=0D=0ABcc:_evil@x.test?=", "Bcc: evil@x.test"],
  ["=?utf-8?q?=00=01?=", ""],
  ["=?utf-7?q?+ADw-script+AD4-?=", "+ADw-script+AD4-"],
])("a subject is read from %s", async (encoded, subject) => {
  expect(await parse(`Subject: ${encoded}\n\n`)).toMatchObject({ subject, problem: null });
});

test.each([
  ["=?utf-8?q?Ada=40x.test?= <ada@sender.test>", ['"Ada@x.test" <ada@sender.test>']],
  ["=?utf-8?q?=3Cevil=40x.test=3E=2C?= <a@b.test>", ['"<evil@x.test>," <a@b.test>']],
  ["=?utf-8?b?PGV2aWxAeC50ZXN0Pg==?=", []],
  ['"a@b.test" <c@d.test>, e@f.test', ['"a@b.test" <c@d.test>', "e@f.test"]],
  ["Group: a@b.test, c@d.test;", ["a@b.test", "c@d.test"]],
  ["undisclosed-recipients:;", []],
  ["<>", []],
])("no encoded word in %s makes or hides an address", async (field, to) => {
  expect(await parse(`To: ${field}\n\n`)).toMatchObject({ to, problem: null });
});

test.each([
  ["utf-16le", "h\0i\0", "hi"],
  ["iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"],
  ["cp437", "\x81", "ü"],
  ["utf-8", "\xff", "\ufffd"],
  ["_autodetect", "x", "x"],
  ["__proto__", "x", "x"],
  ["base64", "aGk=", "aGk="],
  ["utf-8;utf-7", "x", "x"],
  ["x".repeat(500), "x", "x"],
])("a body that says it is in %j is text", async (charset, body, text) => {
  const bytes = Buffer.from(`Content-Type: text/plain; charset=${charset}\r\n\r\n${body}`, "latin1");
  expect(await parseMessage(bytes)).toMatchObject({ text, problem: null });
});

test("UTF-7 can't smuggle markup past what looks at it", async () => {
  const message = await parse(
    "Content-Type: text/html; charset=utf-7\n\n+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
  );
  expect(message.html).not.toContain("<script>");
});

test("header values keep no line breaks but those between repetitions, and no lone surrogates", async () => {
  const message = await parse("X-Odd: one\n two\x00three\u2028four\n\n");
  expect(message.headers["x-odd"]).toBe("one two three four");
});

test("a message of nothing is a message", async () => {
  expect(await parse("")).toMatchObject({
    from: "",
    to: [],
    subject: "",
    text: null,
    html: null,
    attachments: [],
  });
});

const line = fc.oneof(
  fc.constantFrom(
    "Content-Type: multipart/mixed; boundary=b",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    "Content-Type: message/rfc822",
    "Content-Transfer-Encoding: base64",
    "Content-Disposition: attachment; filename*0*=utf-8''a%; filename*1=b",
    "Subject: =?utf-8?q?=?= =?",
    "From: <<a@b>, (c",
    'To: g: a@b, ;, "',
    "--b",
    "--b--",
    "",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);

test("no bytes make it throw", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
      const message = await parseMessage(new TextEncoder().encode(lines.join("\r\n")));
      expect(JSON.parse(JSON.stringify(message.headers))).toEqual(message.headers);
      expect(message.subject.isWellFormed()).toBe(true);
    }),
    { numRuns: 300 },
  );
});
