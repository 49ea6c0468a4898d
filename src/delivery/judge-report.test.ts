import { describe, expect, test } from "bun:test";
import type { ReportedRecipient } from "../mail/report.ts";
import { blockFor, judgeBlock } from "./judge-report.ts";

const bob = "bob@recipient.test";
const block = (changes: Partial<ReportedRecipient> = {}): ReportedRecipient => ({
  ...{ originalRecipient: null, finalRecipient: bob, action: "failed", status: "5.1.1" },
  ...{ diagnostic: "550 5.1.1 No such user", remoteHost: null, ...changes },
});
const judge = (changes: Partial<ReportedRecipient>, provider?: string) =>
  judgeBlock(block(changes), { recipient: bob, provider });

describe("which block is meant", () => {
  const other = (name: string, changes: Partial<ReportedRecipient> = {}) =>
    block({ finalRecipient: `${name}@elsewhere.test`, ...changes });
  const choose = (...recipients: ReportedRecipient[]) => blockFor({ recipients }, bob);

  test("the one whose final recipient is ours, in any spelling", () => {
    const ours = block({ finalRecipient: "Bob@Recipient.TEST" });
    expect(choose(other("a"), ours, other("c"))).toBe(ours);
  });

  test("a domain beyond ASCII is ours in either form", () => {
    const recipients = [other("a"), block({ finalRecipient: "ürsel@bücher.example" })];
    expect(blockFor({ recipients }, "ürsel@xn--bcher-kva.example")).toBe(recipients[1]);
  });

  test("else the one that names us as whom the sender meant", () => {
    const ours = other("a", { originalRecipient: bob });
    expect(choose(ours, other("c", { originalRecipient: "carol@recipient.test" }))).toBe(ours);
  });

  test("one alone is ours whomever it names: our copy was passed on", () => {
    const only = other("a");
    expect(choose(only)).toBe(only);
  });

  test("of several strangers none is: the others may have got theirs", () => {
    expect(choose(other("a"), other("c"))).toBeUndefined();
  });

  test("an alias of which one member got the message has not bounced", () => {
    const taken = other("c", { originalRecipient: bob, action: "relayed" });
    expect(choose(other("a", { originalRecipient: bob }), taken)).toBe(taken);
  });
});

describe("what a failure means", () => {
  test.each<[string, Partial<ReportedRecipient>, object]>([
    ["a dead mailbox", {}, { type: "Permanent", class: "recipient", suppress: true }],
    [
      "a status alone",
      { diagnostic: null },
      { type: "Permanent", class: "recipient", suppress: true, said: "5.1.1" },
    ],
    [
      "a code without a status of its own",
      { diagnostic: "550 Sorry" },
      { type: "Permanent", class: "recipient", suppress: true, said: "550 Sorry" },
    ],
    [
      "words without a code",
      { status: "5.0.0", diagnostic: 'unknown user: "bob"' },
      { type: "Permanent", class: "recipient", suppress: true, said: '5.0.0 unknown user: "bob"' },
    ],
    [
      "what was given up at the far side",
      { status: "4.4.7", diagnostic: "450 4.4.7 Still no such user" },
      { type: "Transient", suppress: false },
    ],
    [
      "a status that is milder than the reply",
      { status: "4.4.7" },
      { type: "Transient", class: "recipient", suppress: false },
    ],
    [
      "a reply that is milder than the status",
      { status: "5.2.2", diagnostic: "452 4.2.2 Mailbox full" },
      { type: "Transient", class: "mailbox_full", suppress: false },
    ],
    ["spam", { status: "5.7.1", diagnostic: "550 5.7.1 Spam" }, { type: "Permanent", suppress: false }],
    [
      "nothing at all",
      { status: null, diagnostic: null },
      { type: "Undetermined", suppress: false, said: "no reason given" },
    ],
    [
      "what is said of our own return path",
      { diagnostic: `550 5.1.1 <b+${"0".repeat(32)}-${"1".repeat(24)}@send.example.com>: User unknown` },
      { type: "Permanent", class: "policy", suppress: false },
    ],
    [
      "another mailbox behind an alias",
      { finalRecipient: "x@elsewhere.test" },
      { type: "Permanent", suppress: false },
    ],
    ["a mailbox that is not named", { finalRecipient: null }, { suppress: true }],
    [
      "a reply of several lines",
      { diagnostic: "550-5.1.1 No such 550 5.1.1 user" },
      { said: "550 5.1.1 No such user", suppress: true },
    ],
  ])("%s", (_name, changes, meaning) => {
    expect(judge(changes)).toMatchObject(meaning);
  });
});
