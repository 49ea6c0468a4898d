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
