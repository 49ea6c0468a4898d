/** The client side of the wire: one conversation with one host about one recipient's copy of a message. */
import type { TlsResult } from "./encryption.ts";
import { checkEnvelope, type Envelope, inspectMessage } from "./preflight.ts";
import type { Deadlines, Exchange, RefusedStep } from "./progress.ts";
import type { Reply } from "./reply.ts";
import { openSession, type SessionOptions } from "./session.ts";

export type { Deadlines, Envelope, Exchange, RefusedStep, TlsResult };

export type ConversationOptions = SessionOptions & {
  envelope: Envelope;
  /** RFC 5322 bytes with CRLF line ends only; they arrive as they are, so that signatures hold. */
  message: Uint8Array;
};

export type Conversation =
  | { kind: "accepted"; reply: Reply; tls?: TlsResult; eightBit: boolean; exchanges: Exchange[] }
  | { kind: "refused"; step: RefusedStep; reply: Reply; tls?: TlsResult; exchanges: Exchange[] }
  /** The message can't be handed to this host at all. Nothing was asked; the reply is ours, in the words of the RFCs. */
  | { kind: "unsupported"; step: "mail"; reply: Reply; tls?: TlsResult; exchanges: Exchange[] }
  | {
      kind: "unreachable";
      step: "connect" | RefusedStep;
      reason: string;
      /** It broke after the final dot: the host may have the message, and a retry may make a second copy. */
      ambiguous: boolean;
      /** STARTTLS or the handshake failed where plaintext is allowed: worth one more conversation with TLS off. */
      tlsBroken: boolean;
      /**
       * The connection had carried a transaction before and was found closed (or said 421) before it answered MAIL: try
       * afresh, it says nothing about this message.
       */
      stale: boolean;
      exchanges: Exchange[];
    };

/**
 * Hands a message to one host and reports what came of it. Whatever the host or the network does is a result, never an
 * error; a bare CR or LF in the message is an error, because sending it would change bytes that are signed.
 */
export async function converse({
  envelope,
  message,
  ...options
}: ConversationOptions): Promise<Conversation> {
  inspectMessage(message); // before a connection is made for it
  const unwritable = checkEnvelope(envelope);
  if (unwritable) return { kind: "unsupported", step: "mail", reply: unwritable, exchanges: [] };

  const startedAt = performance.now();
  const opened = await openSession(options);
  if (opened.kind === "refused") return opened;
  if (opened.kind === "unreachable") return { ...opened, stale: false };

  const { session, exchanges } = opened;
  const sent = await session.send(message, envelope, { signal: options.signal, startedAt });
  session.close();
  return { ...sent, exchanges: [...exchanges, ...sent.exchanges] };
}
