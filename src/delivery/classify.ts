import type { Reply } from "../smtp/reply.ts";

/** What a refusal is about. Only `recipient` says anything about the person; the others are about us or the moment. */
export type BounceClass = "recipient" | "mailbox_full" | "content" | "policy" | "infrastructure" | "protocol";

interface Rule {
  /** RFC 3463 and the IANA registry; the class digit is left open. */
  enhanced?: RegExp;
  codes?: number[];
  text?: RegExp;
  class: BounceClass;
}

/**
 * First match wins. Words come before bare codes, because hosts answer 550 to everything; and words about reputation
 * come before words about mailboxes, because "user unknown" never stands in a blocklist's reply but "rejected" does.
 */
const rules: Rule[] = [
  { enhanced: /^\d\.2\.2$/, class: "mailbox_full" },
  { text: /\b(mailbox|quota|storage)\b.*\b(full|exceed|over)|over ?quota/i, class: "mailbox_full" },
  { enhanced: /^\d\.7\./, class: "policy" },
  { enhanced: /^\d\.1\.[78]$/, class: "policy" },
  {
    text: /\b(spam|blocked|block ?list|black ?list|listed|reputation|policy|dmarc|spf|dkim|rbl|unsolicited|banned)\b/i,
    class: "policy",
  },
  { enhanced: /^\d\.1\.([01236]|10)$/, class: "recipient" },
  { enhanced: /^\d\.2\.1$/, class: "recipient" },
  { enhanced: /^\d\.2\.3$/, class: "content" },
  { enhanced: /^\d\.6\./, class: "content" },
  { enhanced: /^\d\.[34]\./, class: "infrastructure" },
  { enhanced: /^\d\.5\./, class: "protocol" },
  {
    codes: [550, 551, 553],
    text: /(unknown|no such|invalid|nonexistent|not found|does not exist|doesn't exist|disabled|inactive|unavailable)/i,
    class: "recipient",
  },
  { codes: [552], class: "content" },
  { codes: [500, 501, 502, 503, 504, 555], class: "protocol" },
  { codes: [421, 450, 451, 452], class: "infrastructure" },
];

/** The class of a refusal. What no rule knows is `policy`: the one guess that never costs a healthy address. */
export function classify({ code, enhanced = "", text }: Reply): BounceClass {
  const rule = rules.find(
    (candidate) =>
      (!candidate.enhanced || candidate.enhanced.test(enhanced)) &&
      (!candidate.codes || candidate.codes.includes(code)) &&
      (!candidate.text || candidate.text.test(text)),
  );
  return rule?.class ?? "policy";
}
