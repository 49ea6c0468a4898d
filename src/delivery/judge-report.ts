/** What a DSN says of one delivery: which of its blocks is meant, and what a failure means. */

import { parseAddress, recipientKey } from "../mail/address.ts";
import type { Report, ReportedRecipient } from "../mail/report.ts";
import { namesReturnPath } from "../mail/verp.ts";
import { formatReply, parseReply, type Reply, replyClass } from "../smtp/reply.ts";
import { judgeReply } from "./replies.ts";
import type { BounceClass } from "./schema.ts";

export type DeliveryReport = Report & { kind: "delivery_status" };

/**
 * The block that is about the delivery to `recipient`. The message had one recipient, so several blocks are what an alias
 * made of it at the far side; undefined when it can't be told which is meant.
 */
export function blockFor(
  { recipients }: Pick<DeliveryReport, "recipients">,
  recipient: string,
): ReportedRecipient | undefined {
  const matching = (field: "finalRecipient" | "originalRecipient") =>
    recipients.filter((block) => isSameMailbox(block[field], recipient));
  const [finals, originals] = [matching("finalRecipient"), matching("originalRecipient")];
  const named = finals.length > 0 ? finals : originals;
  // One alone is about what we sent, whatever it calls the recipient: it went on to another address. Of several strangers
  // each may be one member of a list whose others got their copies: that is no bounce of the list.
  const about = named.length > 0 ? named : recipients.length === 1 ? recipients : [];
  return about.find(({ action }) => action !== "failed") ?? about[0];
}

export interface ReportedFailure {
  /** In the contract's words. */
  type: "Permanent" | "Transient" | "Undetermined";
  class: BounceClass;
  /** Whether the recipient's address is dead. */
  suppress: boolean;
  /** What the refusing host said, or what little is known. */
  said: string;
}

/** What a block means, by the engine's own table of replies. */
export function judgeBlock(
  block: ReportedRecipient,
  { recipient, provider }: { recipient: string; provider?: string },
): ReportedFailure {
  const reply = replyOf(block);
  // What is said of our return path is said of us, not of the recipient.
  const step = namesReturnPath(reply.text) ? "mail" : "rcpt";
  const { class: about, action } = judgeReply(reply, { step, provider });
  const type = typeOf(block, reply);
  return {
    type,
    class: about,
    // An address is never judged by another mailbox: a member who left must not cost the list, nor a forward its owner.
    suppress:
      action === "suppress" &&
      type === "Permanent" &&
      (block.finalRecipient === null || isSameMailbox(block.finalRecipient, recipient)),
    said: describe(block),
  };
}

/** Status and diagnostic text as the reply they were made of. */
function replyOf({ status, diagnostic }: ReportedRecipient): Reply {
  const said = readDiagnostic(diagnostic);
  const digit = status?.[0];
  if (said.code === 0) {
    return { code: digit ? Number(`${digit}50`) : 0, enhanced: status ?? undefined, text: said.text };
  }
  const isMissing = said.enhanced === undefined && digit === String(said.code)[0];
  return isMissing ? { ...said, enhanced: status ?? undefined } : said;
}

/** Lines of a reply stand in one, each with its code. */
const readDiagnostic = (diagnostic: string | null): Reply =>
  parseReply(diagnostic?.replace(/ (?=[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3} )/g, "\n") ?? "");

/**
 * RFC 3464 §2.3.3: `failed` with a 4.x.x status is what the far side gave up after trying, such as a mailbox that stayed
 * full. Where status and reply disagree, the milder one counts.
 */
function typeOf({ status }: ReportedRecipient, reply: Reply): ReportedFailure["type"] {
  if (status?.startsWith("4") || replyClass(reply) === "transient") return "Transient";
  return replyClass(reply) === "permanent" ? "Permanent" : "Undetermined";
}

function describe({ status, diagnostic }: ReportedRecipient): string {
  const reply = readDiagnostic(diagnostic);
  if (reply.code !== 0) return formatReply(reply);
  const { text } = reply;
  const code = status && !text.startsWith(status) ? status : "";
  return `${code} ${text}`.trim() || "no reason given";
}

/** Whether a report means our recipient, in whatever spelling. */
export function isSameMailbox(reported: string | null, recipient: string): boolean {
  return reported !== null && mailboxKey(reported) === mailboxKey(recipient);
}

/** A report may have the domain in Unicode, of which we sent to the ASCII form. */
const mailboxKey = (address: string): string => recipientKey(parseAddress(address)?.address ?? address);
