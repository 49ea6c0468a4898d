import { expect, test } from "bun:test";
import type { Refusal } from "../errors.ts";
import { checkDraft, type EmailDraft } from "./draft.ts";

const now = new Date("2026-03-01T12:00:00Z");
const draft: EmailDraft = {
  from: "Ada <ada@example.com>",
  to: ["bob@example.net"],
  cc: [],
  bcc: [],
  replyTo: [],
  subject: "Hello",
  text: "Hi",
  headers: {},
  tags: [],
  attachments: [],
};
const days = (count: number) => new Date(now.getTime() + count * 24 * 3_600_000);
const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}@example.net`);

const refused: [string, Partial<EmailDraft>, string][] = [
  ["no recipient", { to: [] }, "missing_required_field"],
  ["neither html nor text", { text: undefined }, "validation_error"],
  ["a sender that is no address", { from: "ada" }, "invalid_from_address"],
  ["a recipient that is no address", { bcc: ["bob@"] }, "validation_error"],
  ["a reply-to that is no address", { replyTo: ["a@b.c\r\nBcc: x@y.z"] }, "validation_error"],
  ["51 recipients in one field", { cc: many(51) }, "validation_error"],
  ["a line break in the subject", { subject: "a\nBcc: x@y.z" }, "validation_error"],
  ["a subject without end", { subject: "a".repeat(2_001) }, "validation_error"],
  ["a header that breaks its line", { headers: { "X-A": "a\r\nBcc: x@y.z" } }, "validation_error"],
  ["a header that is ours to write", { headers: { "DKIM-Signature": "v=1" } }, "validation_error"],
  ["a tag with other characters", { tags: [{ name: "a b", value: "c" }] }, "validation_error"],
  ["more than 40 MB", { attachments: [{ content: new Uint8Array(30_000_000) }] }, "validation_error"],
  ["a time more than 30 days ahead", { scheduledAt: days(30.1) }, "validation_error"],
];
for (const [what, changes, code] of refused) {
  test(`a draft with ${what} is refused`, () => {
    let thrown: unknown;
    try {
      checkDraft({ ...draft, ...changes }, now);
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Refusal | undefined)?.code).toBe(code as Refusal["code"]);
  });
}

test("each mailbox is an envelope recipient once, in the order To, Cc, Bcc", () => {
  const { recipients } = checkDraft(
    {
      ...draft,
      cc: ["carol@example.net", "BOB@example.net"],
      bcc: ["carol@EXAMPLE.net", "dave@example.net"],
    },
    now,
  );
  expect(recipients.map(({ address }) => address)).toEqual([
    "bob@example.net",
    "carol@example.net",
    "dave@example.net",
  ]);
});
