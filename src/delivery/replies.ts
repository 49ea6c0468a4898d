/** What a refusal means and what to do about it: the table of replies, and the few lines that read it. */
import type { RefusedStep } from "../smtp/client.ts";
import { type Reply, replyClass } from "../smtp/reply.ts";
import { providerReplyRules } from "./provider-reply-rules.ts";
import { type ReplyAction, type ReplyRule, transaction } from "./reply-rule.ts";
import { replyRules } from "./reply-rules.ts";
import type { BounceClass } from "./schema.ts";

export type { ReplyAction };

export interface ReplyVerdict {
  class: BounceClass;
  action: ReplyAction;
  /** With `pause`: how long the site is left alone. */
  pauseMs?: number;
  /** Which row decided, e.g. "gmail-4.7.28-rate"; "default" when none did. */
  rule: string;
}

/** Every row, in the order in which they are asked. */
export const allReplyRules: readonly ReplyRule[] = [...providerReplyRules, ...replyRules];

/** What a refusal means; `provider` is the name of the preset that the site has, if any. Never throws. */
export function judgeReply(reply: Reply, at: { step: RefusedStep; provider?: string }): ReplyVerdict {
  const enhanced = reply.enhanced ?? hashedCode(reply) ?? "";
  const found = allReplyRules.find(
    (rule) =>
      (rule.provider === undefined || (at.provider !== undefined && rule.provider.includes(at.provider))) &&
      (rule.steps ?? transaction).includes(at.step) &&
      (rule.codes === undefined || rule.codes.includes(reply.code)) &&
      (rule.enhanced === undefined || rule.enhanced.test(enhanced)) &&
      (rule.text === undefined || rule.text.test(reply.text)),
  );
  if (found === undefined) return unknownReply(reply);

  const { rule, class: about, action, pauseMs } = found;
  const isFinal = action === "bounce" || action === "suppress";
  if (isFinal && replyClass(reply) !== "permanent") return { class: about, action: "retry", rule };
  return { class: about, action, rule, ...(pauseMs === undefined ? {} : { pauseMs }) };
}

/** `policy` is the one guess about a permanent refusal that never costs a healthy address. */
function unknownReply(reply: Reply): ReplyVerdict {
  switch (replyClass(reply)) {
    case "permanent":
      return { class: "policy", action: "bounce", rule: "default" };
    case "transient":
      return { class: "infrastructure", action: "retry", rule: "default" };
    default: // whatever speaks there, it does not speak SMTP
      return { class: "protocol", action: "retry", rule: "default" };
  }
}

/** qmail writes "(#5.1.1)" at the end of its text, and Cisco's gateways "#5.1.1" at its beginning. */
function hashedCode({ code, text }: Reply): string | undefined {
  const [, found] = /#([245]\.\d{1,3}\.\d{1,3})\b/.exec(text) ?? [];
  // RFC 2034 §4: where the classes disagree, the code is what counts.
  return found?.[0] === String(code)[0] ? found : undefined;
}
