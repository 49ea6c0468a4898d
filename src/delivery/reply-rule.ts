import type { RefusedStep } from "../smtp/client.ts";
import type { BounceClass } from "./schema.ts";

/**
 * What to do about a refusal.
 * - `retry`: this delivery again, by the retry plan.
 * - `bounce`: never again; `suppress`: never again, and no other email to this address either.
 * - `slow_down`: retry, with fewer connections and a lower rate at this site.
 * - `pause`: retry, and nothing to this site for the rule's `pauseMs`.
 * - `next_host`: ask the site's next host. Where none is left, the reply is retried when it was transient or came before
 *   MAIL FROM, and bounces when it was permanent.
 */
export type ReplyAction = "retry" | "bounce" | "suppress" | "slow_down" | "pause" | "next_host";

/**
 * One row of the table of replies: all that it names must hold. `action` is for the worst the reply can be: on a transient
 * reply `bounce` and `suppress` mean `retry`, so that a row need not be written twice for 4xx and 5xx.
 */
export interface ReplyRule {
  /** What logs and pages call the row; unique. */
  rule: string;
  /** Names of presets. */
  provider?: readonly string[];
  /** Where there are none: `transaction`. */
  steps?: readonly RefusedStep[];
  codes?: readonly number[];
  enhanced?: RegExp;
  /** Without `*`, `+` and open ranges: hosts choose the text, and it must not cost us more than its length. */
  text?: RegExp;
  class: BounceClass;
  action: ReplyAction;
  pauseMs?: number;
  /** A reply as a real host gives it, at the first of the row's steps, that this row and no earlier one decides. */
  example: string;
}

export const anyStep: readonly RefusedStep[] = [
  "greeting",
  "ehlo",
  "starttls",
  "auth",
  "mail",
  "rcpt",
  "data",
  "message",
];

/** The host has heard of nothing but us: whatever it says, it says nothing about the recipient or the message. */
export const beforeTransaction: readonly RefusedStep[] = ["greeting", "ehlo", "starttls"];

/** RCPT comes first because it is where most refusals are. */
export const transaction: readonly RefusedStep[] = ["rcpt", "mail", "data", "message"];

/** From here on words about a mailbox are about the recipient's; in the reply to MAIL FROM they are about our sender. */
export const afterRecipient: readonly RefusedStep[] = ["rcpt", "data", "message"];

/** Any code, or none, but x.7: with that, words about a mailbox are after all about us, and must not suppress. */
export const notSecurity = /^(?!\d\.7\.)/;

export const minute = 60_000;
export const hour = 3_600_000;
