import { expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { readBlocks, readHead } from "./fields.ts";
import { parseMessage } from "./parse.ts";
import { isAutomatic, readReport } from "./report.ts";

const fixtures = join(import.meta.dir, "../../test/fixtures/inbound");
const read = async (name: string) => parseMessage(await Bun.file(join(fixtures, name)).bytes());
const report = async (name: string) => readReport(await read(name));
const original = {
  messageId: "<0192f0c0-0000-7000-8000-000000000001@example.com>",
  feedbackId: "1:2:3:mailit",
  returnPath: null,
};

test("a DSN tells for each recipient what became of the message, and which message it was", async () => {
  expect(await report("dsn-failed.eml")).toEqual({
    kind: "delivery_status",
    reportingHost: "mx.example.net",
    recipients: [
      {
        originalRecipient: "Ada@example.net",
        finalRecipient: "ada@example.net",
        action: "failed",
        status: "5.1.1",
        diagnostic:
          "550 5.1.1 <ada@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
        remoteHost: "store.example.net",
      },
    ],
    message: original,
  });
});

test("a DSN may report a delay, and quote no more than the head", async () => {
  expect(await report("dsn-delayed.eml")).toEqual({
    kind: "delivery_status",
    reportingHost: "mx.example.net",
    recipients: [
      {
        originalRecipient: null,
        finalRecipient: "ada@example.net",
        action: "delayed",
        status: "4.4.7",
        diagnostic: "451 4.4.7 No answer from the mailbox server",
        remoteHost: null,
      },
    ],
    message: { ...original, feedbackId: null },
  });
});

test("a DSN in one block, encoded and with comments, is still one", async () => {
  expect(await report("dsn-two-blocks-in-one.eml")).toEqual({
    kind: "delivery_status",
    reportingHost: "old.example.org",
    recipients: [
      {
        originalRecipient: null,
        finalRecipient: "ada@example.net",
        action: "failed",
        status: "5.2.2",
        diagnostic: null,
        remoteHost: null,
      },
    ],
    message: { messageId: null, feedbackId: null, returnPath: null },
  });
});

test("a complaint names its type, the recipient, the return path and the message", async () => {
  expect(await report("arf-abuse.eml")).toEqual({
    kind: "complaint",
    feedbackType: "abuse",
    recipient: "ada@example.net",
    returnPath: null, // the fixture's placeholder is no address
    message: original,
  });
});

/** What fixtures say that hosts of other makes would send: whom, what became of it, and why. */
test.each<[string, string | null, string, string, string | null, string | null]>([
  [
    "dsn-exchange.eml",
    "ada@example.net",
    "failed",
    "5.1.10",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ada@example.net not found by SMTP address lookup",
    null,
  ],
  [
    "dsn-gmail.eml",
    "ada@example.net",
    "failed",
    "5.1.1",
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces.",
    "mx.example.net",
  ],
  [
    "dsn-postfix-expired.eml",
    "ada@example.net",
    "failed",
    "4.4.1",
    "connect to store.example.net[192.0.2.80]:25: timed out",
    null,
  ],
  ["dsn-utf8.eml", "ürsel@bücher.example", "failed", "5.1.1", "550 5.1.1 Empfänger unbekannt", null],
  ["dsn-utf8-escaped.eml", "ürsel@bücher.example", "failed", "5.1.1", null, null],
  ["dsn-truncated.eml", "ada@example.net", "failed", "5.1.1", null, null],
])("%s is read", async (name, finalRecipient, action, status, diagnostic, remoteHost) => {
  const found = await report(name);
  expect(found?.kind === "delivery_status" && found.recipients).toMatchObject([
    { finalRecipient, action, status, diagnostic, remoteHost } as object,
  ]);
});

test.each([
  ["arf-yahoo.eml", "ada@example.net", "bounce@send.example.com", null],
  ["arf-jmrp.eml", null, null, "bounce@send.example.com"],
])("%s is a complaint that quotes our Feedback-ID", async (name, recipient, returnPath, quoted) => {
  expect(await report(name)).toEqual({
    kind: "complaint",
    feedbackType: "abuse",
    recipient,
    returnPath,
    message: { ...original, returnPath: quoted },
  });
});

test.each([
  "auto-reply.eml",
  "challenge.eml",
  "bounce-quoted.eml",
  "qmail-bounce.eml", // QSBMF: a text, not RFC 3464
  "dsn-truncated-early.eml",
  "dsn-forwarded.eml",
  "dsn-nested.eml",
])("%s talks of failure and is no report", async (name) => {
  expect(await report(name)).toBeUndefined();
});

test("answers of machines are known by what they say of themselves, not by their subject", async () => {
  const automatic = async (name: string) => isAutomatic(await read(name));
  expect(await automatic("auto-reply.eml")).toBe(true);
  expect(await automatic("challenge.eml")).toBe(true);
  expect(await automatic("bounce-quoted.eml")).toBe(false);
  expect(isAutomatic({ headers: { "auto-submitted": "no" } })).toBe(false);
});

test("fields are unfolded, and the first of a name counts", () => {
  const [message, recipient] = readBlocks("A: 1\r\n  2\nB:x\nA: 3\n\n \n\nc : 4\nnot a field\n");
  expect(message).toEqual(new Map(Object.entries({ a: "1 2", b: "x" })));
  expect(recipient).toEqual(new Map([["c", "4"]]));
});

test("the body of a quoted message is not its head", () => {
  expect(readHead("Subject: a\r\n\r\nFeedback-ID: forged\r\n").has("feedback-id")).toBe(false);
});

const field = fc.constantFrom(
  "Action: failed",
  "Action:",
  "Status: 5.",
  "Diagnostic-Code: ;;",
  "Final-Recipient: rfc822;",
  "",
  ":",
  " x",
);

test("no report makes it throw, whatever its blocks hold", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(field, fc.string({ unit: "binary" }))), (lines) => {
      const content = new TextEncoder().encode(lines.join("\r\n"));
      const part = { filename: null, contentDisposition: "attachment" as const, contentId: null, content };
      const message = {
        messageId: null,
        subject: "",
        from: "",
        to: [],
        cc: [],
        bcc: [],
        replyTo: [],
        headers: {},
        html: null,
        text: null,
        problem: null,
      };
      const dsn = readReport({
        ...message,
        reportType: "delivery-status",
        attachments: [{ ...part, contentType: "message/delivery-status" }],
      });
      for (const recipient of dsn?.kind === "delivery_status" ? dsn.recipients : []) {
        expect(["failed", "delayed", "delivered", "relayed", "expanded"]).toContain(recipient.action);
      }
      readReport({
        ...message,
        reportType: "feedback-report",
        attachments: [{ ...part, contentType: "message/feedback-report" }],
      });
    }),
  );
});

/** A host's DSN or complaint with whatever was done to it on the way. */
async function damaged(name: string, change: (bytes: Buffer) => Buffer) {
  const bytes = Buffer.from(await Bun.file(join(fixtures, name)).bytes());
  return readReport(await parseMessage(change(bytes)));
}

test("a report that was cut, or lost some of its bytes, makes nothing throw and never says more", async () => {
  const name = fc.constantFrom("dsn-failed.eml", "dsn-gmail.eml", "dsn-utf8.eml", "arf-yahoo.eml");
  const hole = fc.tuple(name, fc.nat(2_500), fc.nat(300), fc.string({ unit: "binary", maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(hole, async ([file, from, length, junk]) => {
      const found = await damaged(file, (bytes) =>
        Buffer.concat([bytes.subarray(0, from), Buffer.from(junk), bytes.subarray(from + length)]),
      );
      if (found?.kind !== "delivery_status") return;
      expect(found.recipients.length).toBeLessThanOrEqual(2);
      for (const { diagnostic } of found.recipients) expect((diagnostic ?? "").length).toBeLessThan(1_001);
    }),
    { seed: 3, numRuns: 150 },
  );
});

test("no words in a text make a report, however much they look like one", async () => {
  const line = fc.constantFrom(
    "Content-Type: message/delivery-status",
    "Content-Type: message/feedback-report",
    "Final-Recipient: rfc822; ada@example.net",
    "Action: failed",
    "Status: 5.1.1",
    "Feedback-Type: abuse",
    "--q",
    "--q--",
    "",
    "> Action: failed",
  );
  const head = fc.constantFrom(
    "Content-Type: text/plain",
    'Content-Type: multipart/mixed; boundary="q"',
    'Content-Type: multipart/mixed; boundary="q"; report-type=delivery-status',
    "Content-Type: message/rfc822",
    'Content-Type: text/plain; report-type="feedback-report"',
  );
  await fc.assert(
    fc.asyncProperty(head, fc.array(line, { maxLength: 30 }), async (type, lines) => {
      const raw = `From: a@example.net\r\nMIME-Version: 1.0\r\n${type}\r\n\r\n${lines.join("\r\n")}\r\n`;
      expect(readReport(await parseMessage(Buffer.from(raw)))).toBeUndefined();
    }),
    { seed: 4, numRuns: 200 },
  );
});

test("a report of a thousand recipients and endless fields is read as far as any real one goes", () => {
  const block = `Final-Recipient: rfc822; ada@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n`;
  const content = new TextEncoder().encode(block.repeat(1_000) + "x".repeat(5_000_000));
  const part = { filename: null, contentDisposition: "attachment" as const, contentId: null };
  const found = readReport({
    ...{ messageId: null, subject: "", from: "", to: [], cc: [], bcc: [], replyTo: [], headers: {} },
    ...{ html: null, text: null, problem: null, reportType: "delivery-status" },
    attachments: [{ ...part, content, contentType: "message/delivery-status" }],
  });
  expect(found?.kind === "delivery_status" && found.recipients).toHaveLength(100);
});
