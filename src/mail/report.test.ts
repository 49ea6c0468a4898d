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
};

test("a DSN tells for each recipient what became of the message, and which message it was", async () => {
  expect(await report("dsn-failed.eml")).toEqual({
    kind: "delivery_status",
    recipients: [
      {
        recipient: "Ada@example.net",
        action: "failed",
        status: "5.1.1",
        diagnostic:
          "550 5.1.1 <ada@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
      },
    ],
    message: original,
  });
});

test("a DSN may report a delay, and quote no more than the head", async () => {
  expect(await report("dsn-delayed.eml")).toEqual({
    kind: "delivery_status",
    recipients: [
      {
        recipient: "ada@example.net",
        action: "delayed",
        status: "4.4.7",
        diagnostic: "451 4.4.7 No answer from the mailbox server",
      },
    ],
    message: { ...original, feedbackId: null },
  });
});

test("a DSN in one block, encoded and with comments, is still one", async () => {
  expect(await report("dsn-two-blocks-in-one.eml")).toEqual({
    kind: "delivery_status",
    recipients: [{ recipient: "ada@example.net", action: "failed", status: "5.2.2", diagnostic: null }],
    message: { messageId: null, feedbackId: null },
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

test.each(["auto-reply.eml", "challenge.eml", "bounce-quoted.eml"])(
  "%s talks of failure and is no report",
  async (name) => {
    expect(await report(name)).toBeUndefined();
  },
);

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
