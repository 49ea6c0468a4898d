import { describe, expect, test } from "bun:test";
import type { RefusedStep } from "../smtp/client.ts";
import { parseReply } from "../smtp/reply.ts";
import { presets } from "./presets.ts";
import { allReplyRules, judgeReply, type ReplyAction } from "./replies.ts";
import { anyStep } from "./reply-rule.ts";
import type { BounceClass } from "./schema.ts";

const judge = (reply: string, step: RefusedStep = "rcpt", provider?: string) =>
  judgeReply(parseReply(reply), { step, provider });

const providers = [undefined, ...presets.map(({ name }) => name)];

const examples = allReplyRules.flatMap((row) =>
  (row.provider ?? [undefined]).map((provider) => ({ row, provider, name: row.rule })),
);

test.each(examples)("$name decides its example, said by $provider", ({ row, provider }) => {
  const { rule, class: about, action, pauseMs } = row;
  const verdict = judge(row.example, row.steps?.[0], provider);
  expect(verdict).toEqual({ rule, class: about, action, ...(pauseMs === undefined ? {} : { pauseMs }) });
});

describe("of all rows", () => {
  test("each has a name of its own, and a provider that there is", () => {
    const names = allReplyRules.map(({ rule }) => rule);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("default");
    const used = allReplyRules.flatMap(({ provider }) => provider ?? []);
    expect(used.filter((name) => !providers.includes(name))).toEqual([]);
  });

  test("a pause says how long, and nothing else does", () => {
    for (const { action, pauseMs = 0 } of allReplyRules) expect(action === "pause").toBe(pauseMs > 0);
  });

  /** What any host may make of the examples: with other digits in front, at any step, from any provider. */
  function everyVerdict(change: (example: string) => string, steps: readonly RefusedStep[]) {
    return allReplyRules.flatMap(({ example }) =>
      steps.flatMap((step) => providers.map((provider) => judge(change(example), step, provider))),
    );
  }
  const asIs = (example: string) => example;

  test("only the class recipient suppresses", () => {
    const suppressing = everyVerdict(asIs, anyStep).filter(({ action }) => action === "suppress");
    expect(new Set(suppressing.map((verdict) => verdict.class))).toEqual(new Set(["recipient"]));
  });

  test("none suppresses for a reply to MAIL FROM", () => {
    expect(everyVerdict(asIs, ["mail"]).filter(({ action }) => action === "suppress")).toEqual([]);
  });

  test("none suppresses with a 5.7 code", () => {
    const secured = (example: string) => example.replace(/^\d{3}[ -](?:\d\.\d+\.\d+ )?/gm, "550-5.7.1 ");
    const verdicts = everyVerdict(secured, ["rcpt", "data", "message"]);
    expect(verdicts.filter(({ action }) => action === "suppress")).toEqual([]);
  });

  test("none is final about a connection or a login", () => {
    const verdicts = everyVerdict(asIs, ["greeting", "ehlo", "starttls", "auth"]);
    expect(verdicts.filter(({ action }) => action === "bounce" || action === "suppress")).toEqual([]);
    expect(verdicts.filter(({ class: about }) => about === "recipient" || about === "content")).toEqual([]);
  });

  test("none is final about a transient reply", () => {
    const later = (example: string) =>
      example.replace(/^5(\d\d[ -])(5(?=\.\d))?/gm, (_, rest, five) => `4${rest}${five ? "4" : ""}`);
    const verdicts = everyVerdict(later, anyStep);
    expect(verdicts.filter(({ action }) => action === "bounce" || action === "suppress")).toEqual([]);
  });

  test("no pattern repeats without an end, so that none takes longer than its text is long", () => {
    const endless = /(?<!\\)[*+]|\{\d+,\}/;
    for (const { rule, text, enhanced } of allReplyRules) {
      expect([rule, endless.exec(text?.source ?? "")?.[0]]).toEqual([rule, undefined]);
      expect([rule, endless.exec(enhanced?.source ?? "")?.[0]]).toEqual([rule, undefined]);
    }
  });

  test("a reply that nearly matches again and again costs next to nothing", () => {
    // The words of all patterns, without what would complete any of them.
    const words = allReplyRules.flatMap(({ text }) => text?.source.match(/[\p{L}]{3,}/gu) ?? []);
    const hostile = [...new Set(words)].map((word) => `${word} `.repeat(1_000).slice(0, 1_000));
    const patterns = allReplyRules.flatMap(({ text }) => text ?? []);
    const slowest = Math.max(
      ...patterns.map((pattern) => {
        const started = performance.now();
        for (const text of hostile) pattern.test(text);
        return (performance.now() - started) / hostile.length;
      }),
    );
    expect(slowest).toBeLessThan(5); // milliseconds; a pattern that is not linear takes seconds
  });
});

type Verdict = [BounceClass, ReplyAction];

describe("of the registry (RFC 3463, RFC 5248 and the IANA's list)", () => {
  /** What each code means alone, as 5.y.z; as 4.y.z a bounce is a retry, and what differs beyond that comes third. */
  const registry: Record<string, [...Verdict, transient?: ReplyAction]> = {
    "1.0": ["recipient", "bounce"],
    "1.1": ["recipient", "suppress"],
    "1.2": ["infrastructure", "bounce"],
    "1.3": ["recipient", "suppress"],
    "1.4": ["recipient", "bounce"],
    "1.5": ["protocol", "bounce"],
    "1.6": ["recipient", "suppress"],
    "1.7": ["policy", "bounce"],
    "1.8": ["policy", "bounce"],
    "1.9": ["protocol", "bounce"],
    "1.10": ["recipient", "suppress"],
    "2.0": ["infrastructure", "bounce"],
    "2.1": ["recipient", "suppress"],
    "2.2": ["mailbox_full", "retry"],
    "2.3": ["content", "bounce"],
    "2.4": ["infrastructure", "bounce"],
    "3.0": ["infrastructure", "bounce"],
    "3.1": ["infrastructure", "retry", "next_host"],
    "3.2": ["infrastructure", "next_host"],
    "3.3": ["protocol", "bounce"],
    "3.4": ["content", "bounce"],
    "3.5": ["infrastructure", "next_host"],
    "3.6": ["infrastructure", "bounce"],
    "4.0": ["infrastructure", "bounce"],
    "4.1": ["infrastructure", "bounce"],
    "4.2": ["infrastructure", "bounce"],
    "4.3": ["infrastructure", "bounce"],
    "4.4": ["infrastructure", "bounce"],
    "4.5": ["infrastructure", "slow_down"],
    "4.6": ["infrastructure", "bounce"],
    "4.7": ["infrastructure", "bounce"],
    "5.0": ["protocol", "bounce"],
    "5.1": ["protocol", "bounce"],
    "5.2": ["protocol", "bounce"],
    "5.3": ["policy", "slow_down"],
    "5.4": ["protocol", "bounce"],
    "5.5": ["protocol", "bounce"],
    "5.6": ["protocol", "bounce"],
    "5.7": ["protocol", "bounce"],
    ...Object.fromEntries(range(0, 10).map((detail) => [`6.${detail}`, ["content", "bounce"]])),
    ...Object.fromEntries(range(0, 30).map((detail) => [`7.${detail}`, ["policy", "bounce"]])),
    "7.10": ["policy", "next_host"],
    "7.17": ["recipient", "bounce"],
    "7.18": ["recipient", "bounce"],
    "7.28": ["policy", "slow_down"],
  };

  const codes = Object.entries(registry).map(([code, meaning]) => ({ code, meaning }));
  test.each(codes)("x.$code has its class and action", ({ code, meaning: [about, action, transient] }) => {
    const isFinal = action === "bounce" || action === "suppress";
    expect(judge(`550 5.${code} Refused`)).toMatchObject({ class: about, action });
    expect(judge(`450 4.${code} Refused`)).toMatchObject({
      class: about,
      action: transient ?? (isFinal ? "retry" : action),
    });
  });

  test("an unregistered detail is judged by its subject", () => {
    expect(judge("550 5.7.999 Refused")).toMatchObject({ class: "policy", action: "bounce" });
    expect(judge("550 5.4.310 Refused")).toMatchObject({ class: "infrastructure", action: "bounce" });
  });
});

describe("of codes without words", () => {
  const bare: [code: number, steps: RefusedStep[], ...Verdict][] = [
    [421, ["rcpt", "mail", "data", "message"], "infrastructure", "next_host"],
    [450, ["rcpt", "mail", "data", "message"], "infrastructure", "retry"],
    [451, ["rcpt", "mail", "data", "message"], "infrastructure", "retry"],
    [452, ["rcpt", "mail", "data", "message"], "infrastructure", "retry"],
    [454, ["rcpt", "message"], "infrastructure", "retry"],
    ...[500, 501, 502, 503, 504, 555].map((code): [number, RefusedStep[], ...Verdict] => [
      code,
      ["rcpt", "mail", "data"],
      "protocol",
      "bounce",
    ]),
    [521, ["rcpt", "mail"], "infrastructure", "next_host"],
    ...[530, 534, 535, 538].flatMap((code): [number, RefusedStep[], ...Verdict][] => [
      [code, ["mail", "auth"], "infrastructure", "retry"],
      [code, ["rcpt", "data"], "infrastructure", "next_host"],
    ]),
    [541, ["rcpt", "message"], "policy", "bounce"],
    [550, ["rcpt", "mail", "data", "message"], "policy", "bounce"],
    [551, ["rcpt"], "recipient", "bounce"],
    [552, ["rcpt"], "mailbox_full", "retry"],
    [552, ["mail", "data", "message"], "content", "bounce"],
    [553, ["rcpt"], "recipient", "bounce"],
    [553, ["mail"], "policy", "bounce"],
    [554, ["rcpt", "mail", "data", "message"], "policy", "bounce"],
    [556, ["rcpt"], "recipient", "bounce"],
    ...[421, 450, 500, 521, 550, 554].map((code): [number, RefusedStep[], ...Verdict] => [
      code,
      ["greeting", "ehlo", "starttls"],
      "infrastructure",
      "next_host",
    ]),
    [454, ["auth"], "infrastructure", "retry"],
  ];

  test.each(bare)("%p at %p is %s, %s", (code, steps, about, action) => {
    for (const step of steps) expect(judge(`${code} No`, step)).toMatchObject({ class: about, action });
  });
});

/** Replies as hosts give them, beyond the rows' own examples. */
const heard: [reply: string, ...Verdict, step?: RefusedStep, provider?: string][] = [
  // Postfix
  [
    "550 5.1.1 <a@b.test>: Recipient address rejected: User unknown in local recipient table",
    "recipient",
    "suppress",
  ],
  [
    "550 5.1.1 <a@b.test>: Recipient address rejected: User unknown in virtual mailbox table",
    "recipient",
    "suppress",
  ],
  ["450 4.1.1 <a@b.test>: Recipient address rejected: unverified address", "recipient", "retry"],
  ["450 4.1.2 <a@b.test>: Recipient address rejected: Domain not found", "infrastructure", "retry"],
  ["450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", "policy", "retry"],
  ["504 5.5.2 <mail>: Helo command rejected: need fully-qualified hostname", "policy", "bounce"],
  ["451 4.3.5 Server configuration error", "infrastructure", "next_host"],
  [
    "552 5.2.2 <a@b.test>: Recipient address rejected: Quota exceeded (mailbox for user is full)",
    "mailbox_full",
    "retry",
  ],
  // Exim
  [
    "421 Too many concurrent SMTP connections; please try again later.",
    "infrastructure",
    "slow_down",
    "greeting",
  ],
  ["550 relay not permitted", "infrastructure", "next_host"],
  ["550 Sender verify failed", "policy", "bounce"],
  [
    "550-Verification failed for <bounce@send.test>\r\n550-No Such User Here\r\n550 Sender verify failed",
    "policy",
    "bounce",
  ],
  ["550-Please turn on SMTP Authentication in your mail client.", "infrastructure", "next_host"],
  ["552 message size exceeds the limit of 50 MB", "content", "bounce", "mail"],
  // qmail and its descendants
  ["550 sorry, no mailbox here by that name. (#5.1.1 - chkuser)", "recipient", "suppress"],
  ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "infrastructure", "next_host"],
  ["451 qq temporary problem (#4.3.0)", "infrastructure", "retry", "message"],
  ["552 sorry, that message size exceeds my databytes limit (#5.3.4)", "content", "bounce", "message"],
  // Sendmail
  ["550 5.1.1 <a@b.test>... User unknown", "recipient", "suppress"],
  ["421 4.3.2 Connection rate limit exceeded.", "infrastructure", "slow_down", "greeting"],
  ["550 5.7.1 <a@b.test>... Relaying denied. Proper authentication required.", "infrastructure", "next_host"],
  [
    "553 5.1.8 <x@send.test>... Domain of sender address x@send.test does not exist",
    "policy",
    "bounce",
    "mail",
  ],
  // Exchange and Microsoft 365
  [
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@b.test not found by SMTP address lookup",
    "recipient",
    "suppress",
  ],
  ["550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized", "policy", "bounce"],
  ["550 5.7.64 TenantAttribution; Relay Access Denied", "infrastructure", "next_host"],
  ["550 5.4.14 Hop count exceeded - possible mail loop ATTR34", "infrastructure", "bounce"],
  [
    "451 4.4.4 Mail received as unauthenticated, incoming to a recipient domain configured in a hosted tenant",
    "policy",
    "retry",
  ],
  [
    "550 5.7.515 Access denied, sending domain send.test does not meet the required authentication level",
    "policy",
    "bounce",
    "message",
  ],
  [
    "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.",
    "policy",
    "pause",
    "mail",
    "microsoft",
  ],
  ["550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "recipient", "bounce"],
  // Gmail
  [
    "550-5.2.1 The email account that you tried to reach is disabled.",
    "recipient",
    "suppress",
    "rcpt",
    "gmail",
  ],
  [
    "550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents",
    "mailbox_full",
    "retry",
    "rcpt",
    "gmail",
  ],
  [
    "552-5.2.2 The email account that you tried to reach is over quota and inactive.",
    "mailbox_full",
    "retry",
    "rcpt",
    "gmail",
  ],
  [
    "552-5.7.0 This message was blocked because its content presents a potential security issue.",
    "content",
    "bounce",
    "message",
    "gmail",
  ],
  [
    "421-4.7.0 This message is suspicious due to the nature of the content and/or the links within.",
    "policy",
    "retry",
    "message",
    "gmail",
  ],
  [
    "550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup",
    "policy",
    "bounce",
    "message",
    "gmail",
  ],
  // Yahoo
  [
    "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]",
    "recipient",
    "suppress",
    "message",
    "yahoo",
  ],
  ["552 1 Requested mail action aborted, mailbox not found", "recipient", "suppress", "rcpt", "yahoo"],
  ["450 User is receiving mail too quickly", "mailbox_full", "retry", "rcpt", "yahoo"],
  [
    "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
    "policy",
    "bounce",
    "message",
    "yahoo",
  ],
  // Others
  ["550 5.1.1 unknown or illegal alias: a@icloud.com", "recipient", "suppress", "rcpt", "apple"],
  [
    "550 Message was not accepted -- invalid mailbox. Local mailbox a@mail.ru is unavailable: user not found",
    "recipient",
    "suppress",
  ],
  ["550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", "recipient", "suppress"],
  ["554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", "policy", "next_host", "greeting"],
  ["421 #4.4.5 Too many connections from your host.", "infrastructure", "slow_down", "greeting"],
  ["550 #5.1.0 Address rejected.", "recipient", "bounce"],
  ["554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation", "policy", "bounce"],
  ["550 user unknown to our blocklist: your IP is listed", "policy", "bounce"],
  ["554 5.7.1 Message rejected as spam", "content", "bounce", "message"],
  ["550 5.7.0 Local Policy Violation", "policy", "bounce", "message"],
  ["421 4.7.0 TLS required for RCPT domain, closing connection.", "policy", "next_host"],
  ["451 4.7.1 Greylisting in action, please come back in 00:05:00", "policy", "retry"],
  ["550 Empfänger unbekannt", "recipient", "suppress"],
  ["550 Usuário inexistente", "recipient", "suppress"],
  ["550 Пользователь не найден", "recipient", "suppress"],
  ["550 Boite pleine", "mailbox_full", "retry"],
  ["554 5.6.0 Message contains bare LF", "content", "bounce", "message"],
];

// As objects: bun takes a missing last element of an array for a callback it has to wait for.
const cases = heard.map(([reply, about, action, step, provider]) => ({
  reply,
  about,
  action,
  step,
  provider,
}));
test.each(cases)("$reply is $about, $action", ({ reply, about, action, step, provider }) => {
  expect(judge(reply, step, provider)).toMatchObject({ class: about, action });
});

test.each([
  "550 sender not authorized for this recipient, user unknown",
  "550 Unknown sender",
  "550 From address does not exist",
  "550 Callout verification failed: no such user",
  "550 The IP address 192.0.2.1 is unknown",
  "550 Email rejected: DNS record not found",
  "550 address 192.0.2.1: too many errors, connection closed",
  "550 Recipient no longer accepts mail from you",
  "550 User not found in the recipient's allow list",
  "550 Domain of recipient a@b.test does not exist",
  "550 recipient's domain has no MX record: not found",
  "550 Your account has been disabled",
  "550 Recipient's mailbox is temporarily disabled",
  "550 5.1.1 Rejected: your server is on a blacklist, user unknown",
  "550 5.2.1 Mailbox does not accept spam",
  "550 5.1.1 Message refused by DMARC policy of the recipient: no such record",
])("%s suppresses nobody", (reply) => {
  for (const step of anyStep)
    for (const provider of providers) expect(judge(reply, step, provider).action).not.toBe("suppress");
});

test("a provider's rows are for its hosts alone", () => {
  const reply = "550 Requested action not taken: mailbox unavailable";
  expect(judge(reply, "rcpt", "gmx").action).toBe("suppress");
  expect(judge(reply, "rcpt", "gmail").action).toBe("bounce");
  expect(judge(reply).action).toBe("bounce");
});

test("what no row knows is policy when permanent, and is tried again otherwise", () => {
  expect(judge("554 Perhaps not")).toEqual({ class: "policy", action: "bounce", rule: "default" });
  expect(judge("460 Perhaps not")).toEqual({ class: "infrastructure", action: "retry", rule: "default" });
  expect(judge("Hello")).toEqual({ class: "protocol", action: "retry", rule: "default" });
});

test("an enhanced code in the text counts only where it fits the reply", () => {
  expect(judge("550 No. (#5.1.1)").rule).toBe("x.1.1-recipient");
  expect(judge("450 No. (#5.1.1)").rule).toBe("450-452-later");
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
