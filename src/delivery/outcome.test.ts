import { expect, test } from "bun:test";
import type { Conversation, RefusedStep } from "../smtp/client.ts";
import { judge } from "./outcome.ts";

const no = (step: RefusedStep, code: number, enhanced: string): Conversation => ({
  kind: "refused",
  step,
  reply: { code, enhanced, text: "No" },
  exchanges: [],
});
const silence = (ambiguous: boolean): Conversation => ({
  kind: "unreachable",
  step: ambiguous ? "message" : "connect",
  reason: "no answer",
  ambiguous,
  tlsBroken: false,
  stale: false,
  exchanges: [],
});

const table: [string, Conversation, string, boolean][] = [
  [
    "an accepted message",
    { kind: "accepted", reply: { code: 250, text: "Ok" }, eightBit: false, exchanges: [] },
    "delivered",
    true,
  ],
  [
    "a message no host may be handed",
    { kind: "unsupported", step: "mail", reply: { code: 553, enhanced: "5.6.7", text: "No" }, exchanges: [] },
    "bounced",
    false,
  ],
  ["a host out of reach", silence(false), "deferred", false],
  ["silence after the final dot", silence(true), "deferred", true],
  ["a full mailbox", no("rcpt", 552, "5.2.2"), "deferred", true],
];
for (const step of ["greeting", "ehlo", "starttls", "auth"] as const) {
  table.push([`a permanent no at ${step}`, no(step, 554, "5.7.1"), "deferred", false]);
}
for (const step of ["mail", "rcpt", "data", "message"] as const) {
  table.push([`a permanent no at ${step}`, no(step, 550, "5.7.1"), "bounced", true]);
  table.push([`a temporary no at ${step}`, no(step, 451, "4.3.0"), "deferred", true]);
}

for (const [what, conversation, kind, final] of table) {
  test(`${what} is ${kind}${final ? "" : ", and the next host is asked"}`, () => {
    expect(judge(conversation, { host: "mx.test" })).toMatchObject({ outcome: { kind }, isFinal: final });
  });
}

test("what a smarthost refuses because of its own settings or our login waits for them to be mended", () => {
  const denied = no("rcpt", 550, "5.7.1");
  const reply = { code: 550, enhanced: "5.7.1", text: "Relaying denied" };
  const conversation = { ...denied, reply } as Conversation;
  expect(judge(conversation, { host: "mx.test" }).outcome.kind).toBe("bounced");
  expect(judge(conversation, { host: "mx.test", isRelay: true }).outcome.kind).toBe("deferred");
});
