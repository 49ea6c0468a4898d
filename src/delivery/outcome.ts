import type { Unwanted } from "../contacts/consent.ts";
import type { Conversation } from "../smtp/client.ts";
import { formatReply, replyClass } from "../smtp/reply.ts";
import type { SuppressionReason } from "../suppressions/schema.ts";
import { judgeReply } from "./replies.ts";
import type { AttemptTls, BounceClass } from "./schema.ts";

/** What one try came to. `said` is the far side's reply, or in our words why there was none. */
export type Outcome =
  | { kind: "delivered"; said: string; host: string; tls?: AttemptTls }
  | Deferral
  | { kind: "bounced"; said: string; class: BounceClass; suppress: boolean; host?: string }
  | { kind: "suppressed"; reason: SuppressionReason | Unwanted }
  /** Taken back before it went out. */
  | { kind: "canceled"; said: string }
  /** It can never be sent, and not because of the recipient or their hosts. */
  | { kind: "failed"; said: string };

/** What only an attempt can come to. */
export type TriedOutcome = Exclude<Outcome, { kind: "suppressed" | "canceled" }>;

export interface Deferral {
  kind: "deferred";
  said: string;
  class: BounceClass;
  host?: string;
  /** The host may have the message already. */
  ambiguous?: boolean;
  /** What kept us from asking, where it was not the host itself. */
  limiter?: string;
}

/** What a conversation means for its delivery and for the site. */
export interface Verdict {
  outcome: Outcome;
  /** A host's last word; otherwise the next host may be asked. */
  isFinal: boolean;
  /** The site asks for fewer connections and messages. */
  slowDown?: boolean;
  /** The site asks to be left alone. */
  pauseMs?: number;
}

/** Who was asked. */
export interface Asked {
  host: string;
  /** The name of the site's preset, whose replies have rows of their own. */
  provider?: string;
  /** Our own smarthost: what is wrong with our login or its settings will be mended, and must not cost the queue. */
  isRelay?: boolean;
}

export function judge(conversation: Conversation, asked: Asked): Verdict {
  const { host } = asked;
  switch (conversation.kind) {
    case "accepted":
      return { outcome: { kind: "delivered", said: formatReply(conversation.reply), host }, isFinal: true };
    case "unsupported": {
      // The reply is ours: what this host can't do, another host of the domain may.
      const { class: about } = judgeReply(conversation.reply, { step: "mail" });
      const said = formatReply(conversation.reply);
      return { outcome: { kind: "bounced", said, class: about, suppress: false, host }, isFinal: false };
    }
    case "refused":
      return judgeRefusal(conversation, asked);
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
        isFinal: conversation.ambiguous,
      };
  }
}

/** Before these the host has not heard of the message: a no is about the connection, and a colleague may say yes. */
const aboutConnection = new Set(["greeting", "ehlo", "starttls", "auth"]);

function judgeRefusal(
  { reply, step }: Conversation & { kind: "refused" },
  { host, provider, isRelay = false }: Asked,
): Verdict {
  const said = formatReply(reply);
  const { class: about, action, pauseMs } = judgeReply(reply, { step, provider });
  const deferred: Deferral = { kind: "deferred", said, class: about, host };
  const isFinal = !aboutConnection.has(step);
  switch (action) {
    case "retry":
      return { outcome: deferred, isFinal };
    case "slow_down":
      return { outcome: deferred, isFinal, slowDown: true };
    case "pause":
      return { outcome: deferred, isFinal: true, slowDown: true, pauseMs };
    case "next_host":
    case "bounce":
    case "suppress": {
      const isPermanent =
        replyClass(reply) === "permanent" &&
        !aboutConnection.has(step) &&
        !(isRelay && about === "infrastructure");
      if (!isPermanent) return { outcome: deferred, isFinal: isFinal && action !== "next_host" };
      const suppress = action === "suppress";
      return {
        outcome: { kind: "bounced", said, class: about, suppress, host },
        isFinal: action !== "next_host",
      };
    }
  }
}
