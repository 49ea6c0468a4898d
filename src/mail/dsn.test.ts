import { expect, test } from "bun:test";
import fc from "fast-check";
import { composeDsn, type Dsn } from "./dsn.ts";
import { parseMessage } from "./parse.ts";
import { isAutomatic, readReport } from "./report.ts";
import { wireMistake } from "./wire.ts";

const base: Dsn = {
  messageId: "<1@mx.example.net>",
  date: new Date("2026-03-01T12:00:00Z"),
  reportingHost: "mx.example.net",
  to: "b+1-2@send.example.com",
  action: "failed",
  status: "5.1.1",
  recipient: "Ada@example.net",
  original: Buffer.from(
    "Feedback-ID: 1:2:3:mailit\r\nMessage-ID: <m@example.com>\r\nSubject: Hi\r\n\r\nA body that stays here\r\n",
  ),
};
const read = async (changes: Partial<Dsn>) => {
  const bytes = composeDsn({ ...base, ...changes });
  expect(wireMistake(bytes)).toBeUndefined();
  return parseMessage(bytes);
};

test("a DSN is read as what was written", async () => {
  const message = await read({
    finalRecipient: "ada@store.example.net",
    remoteHost: "store.example.net",
    diagnostic: "550 5.1.1 No such user here, whoever it was that told you to write to that mailbox of ours",
    arrivedAt: new Date("2026-03-01T11:59:58Z"),
  });
  expect(readReport(message)).toEqual({
    kind: "delivery_status",
    reportingHost: "mx.example.net",
    recipients: [
      {
        originalRecipient: "Ada@example.net",
        finalRecipient: "ada@store.example.net",
        action: "failed",
        status: "5.1.1",
        diagnostic:
          "550 5.1.1 No such user here, whoever it was that told you to write to that mailbox of ours",
        remoteHost: "store.example.net",
      },
    ],
    message: { messageId: "<m@example.com>", feedbackId: "1:2:3:mailit", returnPath: null },
  });
  expect(message).toMatchObject({ to: ["b+1-2@send.example.com"], problem: null });
  expect(isAutomatic(message)).toBe(true);
});

test("the head of the message comes back, and its body does not", () => {
  const text = Buffer.from(composeDsn(base)).toString();
  expect(text).toContain("Subject: Hi");
  expect(text).not.toContain("A body that stays here");
});

test("what needs UTF-8 is in the form of RFC 6533, and the rest in plain ASCII", async () => {
  const ascii = Buffer.from(composeDsn(base)).toString();
  expect(ascii).toContain("Content-Type: message/delivery-status\r\n");
  expect(ascii).toMatch(/^[\0-\x7f]*$/);

  const changes = { recipient: "ürsel@bücher.example", diagnostic: "550 5.1.1 Empfänger unbekannt" };
  const utf8 = Buffer.from(composeDsn({ ...base, ...changes })).toString();
  expect(utf8).toContain("Content-Type: message/global-delivery-status\r\n");
  expect(utf8).toContain("Final-Recipient: utf-8; ürsel@bücher.example\r\n");
  expect(readReport(await read(changes))).toMatchObject({
    recipients: [{ finalRecipient: "ürsel@bücher.example", diagnostic: "550 5.1.1 Empfänger unbekannt" }],
  });
});

test("whatever a host said and a message held, the DSN is one of one recipient", async () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 1_200 }),
    fc.constantFrom(
      "x\r\n\r\nAction: delivered",
      "\r\n--",
      "é\n\nFinal-Recipient: rfc822; eve@example.net",
      "x".repeat(2_000),
    ),
  );
  await fc.assert(
    fc.asyncProperty(hostile, hostile, async (diagnostic, head) => {
      const original = Buffer.from(`X-A: ${head.replace(/[\r\n\0]+/g, " ").slice(0, 300)}\r\n\r\nx\r\n`);
      expect(readReport(await read({ diagnostic: diagnostic.toWellFormed(), original }))).toMatchObject({
        recipients: [
          { originalRecipient: "Ada@example.net", finalRecipient: "Ada@example.net", action: "failed" },
        ],
      });
    }),
    { seed: 1, numRuns: 150 },
  );
});
