import { expect, test } from "bun:test";
import { readSubmitted } from "./submitted.ts";
import { leavingMessage } from "./submitted-head.ts";

const bytes = (text: string) => Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"), "latin1");
const read = async (text: string) => {
  const submitted = await readSubmitted(bytes(text));
  if ("mistake" in submitted) throw new Error(submitted.mistake);
  return submitted;
};
const mistakeOf = async (text: string) => {
  const submitted = await readSubmitted(bytes(text));
  return "mistake" in submitted ? submitted.mistake : undefined;
};
const missing = {
  messageId: "<made@example.com>",
  date: new Date("2026-03-01T12:00:00Z"),
  feedbackId: "token:::mailit",
};
const leave = (text: string) => Buffer.from(leavingMessage(bytes(text), missing)).toString("latin1");

test("what a message says is read, and what is for us alone", async () => {
  const submitted = await read(`From: =?utf-8?q?J=C3=BCrgen?=
\t<j@example.com>
To: bob@example.net
Subject: Hi
Message-ID: <1@client.test>
X-Mailit-Tag: category=confirm
X-MailIt-Tag: plain
Resend-Idempotency-Key: once

Hello
`);
  expect(submitted).toMatchObject({
    from: "=?utf-8?q?J=C3=BCrgen?= <j@example.com>",
    messageId: "<1@client.test>",
    tags: ["category=confirm", "plain"],
    idempotencyKeys: ["once"],
    message: { from: "Jürgen <j@example.com>", subject: "Hi", text: "Hello\n" },
  });
});

test.each([
  ["Subject: no sender\n\nx\n", "The message has no From header field."],
  ["From: a@example.com\nFROM: b@example.com\n\nx\n", "The message has more than one from header field."],
  [
    "From: a@example.com\nSubject: 1\nSubject: 2\n\nx\n",
    "The message has more than one subject header field.",
  ],
  ["From: a@example.com\nno field at all\n\nx\n", "Header field 2 is malformed"],
  ["From: a@example.com\nSubject : x\n\nx\n", "Header field 2 is malformed"],
  [" From: a@example.com\n\nx\n", "Header field 1 is malformed"],
  ["\nFrom: a@example.com\n\nx\n", "Header field 1 is malformed"],
  [
    "From: a@example.com\nSubject: x\n \n y\n\nx\n",
    "The header field subject has a line of white space only.",
  ],
  [
    `From: a@example.com\nX-Y: ${"x".repeat(999)}\n\nx\n`,
    "The message has a line of more than 998 octets, where",
  ],
  ["From: a@example.com\n\na\0b\n", "The message has a NUL"],
  [
    `From: a@example.com\n${`X-Y: ${"x".repeat(900)}\n`.repeat(300)}\nx\n`,
    "The header is larger than 256 KB.",
  ],
  ["", "The message has a last line without CRLF"],
])("what others could read differently is refused: %j", async (text, mistake) => {
  expect(await mistakeOf(text)).toStartWith(mistake);
});

test("what says the same has the same fingerprint, whatever its Message-ID, date and boundary", async () => {
  const message = (boundary: string, text: string, more = "") => `From: a@example.com
Message-ID: <${boundary}@client.test>
Date: Sun, 1 Mar 2026 12:00:0${boundary.length} +0000
${more}Content-Type: multipart/mixed; boundary=${boundary}

--${boundary}

${text}
--${boundary}
Content-Type: text/csv; name=a.csv

1,2
--${boundary}--
`;
  const first = (await read(message("one", "Hello"))).fingerprint;
  expect((await read(message("other", "Hello"))).fingerprint).toBe(first);
  expect((await read(message("one", "Hallo"))).fingerprint).not.toBe(first);
  expect((await read(message("one", "Hello", "X-Order: 7\n"))).fingerprint).not.toBe(first);
  expect((await read(message("one", "Hello").replace("1,2", "1,3"))).fingerprint).not.toBe(first);
});

test("a message leaves as it is, but for what is for us, who else got it, and how it came", () => {
  const body = "Content-Type: text/plain\n\n  kept =20 \xe9\n.\n\n";
  expect(
    leave(`Received: from laptop.lan
 by laptop.lan
Return-Path: <me@laptop.lan>
From: a@example.com
To: b@example.net
BCC: secret@example.net
Resent-Bcc: secret@example.net
X-Mailit-Tag: a=b
Resend-Idempotency-Key: once
Delivered-To: me@laptop.lan
Message-ID: <1@client.test>
Date: Sun, 1 Mar 2026 00:00:00 +0100
Feedback-ID: their:own:id
X-Entity-Ref-ID:  7
	folded
${body}`),
  ).toBe(
    bytes(`From: a@example.com
To: b@example.net
Message-ID: <1@client.test>
Date: Sun, 1 Mar 2026 00:00:00 +0100
Feedback-ID: their:own:id
X-Entity-Ref-ID:  7
	folded
${body}`).toString("latin1"),
  );
});

test("text with a line that hosts would cut leaves encoded", () => {
  expect(leave(`From: a@example.com\nTo: b@example.net\n\n${"x".repeat(999)}\n`)).toContain(
    `Content-Transfer-Encoding: quoted-printable\r\nMessage-ID: <made@example.com>\r\nDate: Sun, 01 Mar 2026 12:00:00 +0000\r\nFeedback-ID: token:::mailit\r\n\r\n${"x".repeat(73)}=\r\n`,
  );
});

test("Message-ID, date, Feedback-ID and recipients are made where they are missing", () => {
  const made =
    "Message-ID: <made@example.com>\nDate: Sun, 01 Mar 2026 12:00:00 +0000\nFeedback-ID: token:::mailit\n";
  expect(leave("From: a@example.com\nDate:\nMessage-ID:  \n\nx\n")).toBe(
    bytes(`From: a@example.com\n${made}To: Undisclosed recipients:;\n\nx\n`).toString("latin1"),
  );
  expect(leave("From: a@example.com\nCc: b@example.net\n")).toBe(
    bytes(`From: a@example.com\nCc: b@example.net\n${made}\n`).toString("latin1"),
  );
});
