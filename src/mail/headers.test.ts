import { expect, test } from "bun:test";
import { fieldMistake, headerMistake } from "./headers.ts";

const allowed: [string, string][] = [
  ["X-Entity-Ref-ID", "123"],
  ["List-Unsubscribe", "<https://example.com/u>, <mailto:u@example.com>"],
  ["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"],
  ["List-Id", "News <news.example.com>"],
  ["References", "<a@example.com> <b@example.com>"],
  ["In-Reply-To", "<a@example.com>"],
  ["Precedence", "bulk"],
  ["Auto-Submitted", "auto-generated"],
  ["Importance", "high"],
  ["X-Greeting", "Grüße"],
  ["constructor", "x"],
];
test.each(allowed)("a client may set %s", (name, value) => {
  expect(headerMistake(name, value)).toBeUndefined();
});

const refusedNames = [
  "From",
  "sender",
  "TO",
  "Cc",
  "Bcc",
  "Reply-To",
  "Subject",
  "Date",
  "Message-ID",
  "MIME-Version",
]
  .concat([
    "Content-Type",
    "content-transfer-encoding",
    "DKIM-Signature",
    "ARC-Seal",
    "Received",
    "Return-Path",
  ])
  .concat(["Authentication-Results", "Resent-To", "Resent-Bcc", "Delivered-To", "X-MailIt-Id"])
  .concat(["", "Bcc:", "B cc", "Bcc\t", "X\r\nBcc", "Grüße", "X".repeat(77), "a\0b"]);
test.each(refusedNames)("a client may not set %j", (name) => {
  expect(headerMistake(name, "x")).toMatch(/^The .*\.$/s);
});

const refusedValues = [
  "",
  "  ",
  "a\r\nBcc: eve@example.org",
  "a\rb",
  "a\nb",
  "a\0",
  "a\tb",
  "a\u0085b",
  "a\u2028b",
]
  .concat(["\ud800", "word ".repeat(401), "x".repeat(900)])
  .map((value) => [value]);
test.each(refusedValues)("the value %j is refused", (value) => {
  expect(headerMistake("X-Thing", value)).toMatch(/^The .*\.$/s);
});

test("the sentence names the field to use instead", () => {
  expect(headerMistake("BCC", "x")).toBe("The header `BCC` can't be set here: use the field `bcc`.");
  expect(headerMistake("Reply-To", "x")).toContain("`reply_to`");
});

test("a client may count complaints by a Feedback-ID of its own", () => {
  expect(headerMistake("Feedback-ID", "campaign:list:account:acme-mail")).toBeUndefined();
});

test("our own rooms may set what is theirs, and no more", () => {
  expect(fieldMistake("X-MailIt-Id", "x")).toBeUndefined();
  expect(fieldMistake("Bcc", "x")).toBeString();
  expect(fieldMistake("Feedback-ID", "a\r\nBcc: x")).toBeString();
});
