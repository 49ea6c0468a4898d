import { expect, test } from "bun:test";
import fc from "fast-check";
import { readHeadOnly } from "./head-only.ts";

test("a message's head is shown as it stands, and nothing of its body", () => {
  const raw =
    "From: Ada <ada@a.test>\r\nTo: b@b.test,\r\n c@c.test\r\nSubject: =?utf-8?q?x?=\r\n\r\nTo: no\r\n";
  expect(readHeadOnly(new TextEncoder().encode(raw), "Broken.")).toEqual({
    ...{ messageId: null, subject: "=?utf-8?q?x?=", from: "Ada <ada@a.test>", to: ["b@b.test, c@c.test"] },
    ...{ cc: [], bcc: [], replyTo: [], html: null, text: null, attachments: [], reportType: null },
    headers: { from: "Ada <ada@a.test>", to: "b@b.test, c@c.test", subject: "=?utf-8?q?x?=" },
    problem: "Broken.",
  });
});

test("no bytes make it throw, or give what a row can't hold", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { headers, subject } = readHeadOnly(bytes, "Broken.");
      for (const text of [subject, ...Object.values(headers)]) {
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toMatch(/\p{Cc}/u);
      }
    }),
  );
});
