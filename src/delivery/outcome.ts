import type { Conversation, TlsResult } from "../smtp/client.ts";
import { formatReply, type Reply, replyClass } from "../smtp/reply.ts";
import { type BounceClass, classify } from "./classify.ts";

/** What one attempt came to. `said` is the far side's reply, or in our words why there was none. */
export type Outcome =
  | { kind: "delivered"; said: string; host: string; tls?: TlsResult }
  | {
      kind: "deferred";
      said: string;
      class: BounceClass;
      host?: string;
      /** The host may have the message already. */
      ambiguous?: boolean;
    }
  | { kind: "bounced"; said: string; class: BounceClass; host?: string }
  | { kind: "suppressed" }
  /** It can never be sent, and not because of the recipient or their hosts. */
  | { kind: "failed"; said: string };

/** A host's last word on a delivery, or nothing: then the next host may be asked. */
export function judge(conversation: Conversation, host: string): { outcome: Outcome; final: boolean } {
  switch (conversation.kind) {
    case "accepted":
      return {
        outcome: { kind: "delivered", said: formatReply(conversation.reply), host, tls: conversation.tls },
        final: true,
      };
    case "unsupported":
      return { outcome: refusal(conversation.reply, host), final: true };
    case "refused": {
      // A host that turns everybody away, or us before it has heard of the recipient, may have a colleague who does not.
      const aboutConnection = ["greeting", "ehlo", "starttls", "auth"].includes(conversation.step);
      if (aboutConnection) {
        const said = formatReply(conversation.reply);
        return {
          outcome: { kind: "deferred", said, class: classify(conversation.reply), host },
          final: false,
        };
      }
      return { outcome: refusal(conversation.reply, host), final: true };
    }
    case "unreachable":
      return {
        outcome: {
          kind: "deferred",
          said: `${host}: ${conversation.reason}`,
          class: "infrastructure",
          host,
          ambiguous: conversation.ambiguous,
        },
        // It may have the message: another host would make a second copy for certain.
        final: conversation.ambiguous,
      };
  }
}

function refusal(reply: Reply, host: string): Outcome {
  const said = formatReply(reply);
  const about = classify(reply);
  // RFC 5321 §4.2.1 calls 552 permanent, but a full mailbox is emptied one day: it is retried like a 4xx.
  const isPermanent = replyClass(reply) === "permanent" && about !== "mailbox_full";
  return { kind: isPermanent ? "bounced" : "deferred", said, class: about, host };
}
