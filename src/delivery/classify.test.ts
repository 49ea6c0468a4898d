import { expect, test } from "bun:test";
import { parseReply } from "../smtp/reply.ts";
import { type BounceClass, classify } from "./classify.ts";

// Replies as providers give them.
const table: [string, BounceClass][] = [
  ["550 5.1.1 The email account that you tried to reach does not exist.", "recipient"],
  ["550-5.1.1 <x@yahoo.test>: Recipient address rejected: User unknown", "recipient"],
  ["550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "protocol"],
  ["550 No such user here", "recipient"],
  ["551 User not local; unknown recipient", "recipient"],
  ["553 sorry, no mailbox here by that name: does not exist", "recipient"],
  ["550 5.2.1 The email account that you tried to reach is disabled.", "recipient"],
  ["554 5.1.10 Recipient address has a null MX", "recipient"],
  ["552 5.2.2 The email account that you tried to reach is over quota", "mailbox_full"],
  ["452 4.2.2 Mailbox full", "mailbox_full"],
  ["552 Mailbox quota exceeded", "mailbox_full"],
  ["550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.example", "policy"],
  [
    "550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy",
    "policy",
  ],
  ["550 user unknown to our blocklist: your IP is listed", "policy"],
  ["421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", "policy"],
  ["554 Message rejected as spam", "policy"],
  ["550 5.1.8 Sender address rejected: Domain not found", "policy"],
  ["552 5.2.3 Message exceeds the recipient's limit", "content"],
  ["554 5.6.0 Message contains bare LF", "content"],
  ["552 Message size exceeds fixed maximum message size", "content"],
  ["451 4.3.0 Temporary server error", "infrastructure"],
  ["421 Too many connections", "infrastructure"],
  ["450 4.4.2 Connection lost", "infrastructure"],
  ["503 Bad sequence of commands", "protocol"],
  ["554 5.5.4 Error: bad parameter", "protocol"],
  ["550 Administrative prohibition", "policy"],
  ["550 Rejected", "policy"],
];

test.each(table)("%s is about: %s", (text, expected) => {
  expect(classify(parseReply(text))).toBe(expected);
});
