import { type Conversation, type ConversationOptions, converse } from "../../src/smtp/client.ts";
import { type Opened, openSession, type Session, type SessionOptions } from "../../src/smtp/session.ts";

type Host = { hostname: string; address: string; port: number };

export const envelope = { from: "bounce@example.net", to: "ada@example.com" };
export const message = new TextEncoder().encode("Subject: hello\r\n\r\nHow are you?\r\n");

/** Offers a small message to a host as a delivery would, with whatever the test wants to be different. */
export function offer(host: Host, options: Partial<ConversationOptions> = {}): Promise<Conversation> {
  return converse({ ...sessionOptions(host), envelope, message, ...options });
}

/** Connects to a host as a delivery would. */
export function open(host: Host, options: Partial<SessionOptions> = {}): Promise<Opened> {
  return openSession({ ...sessionOptions(host), ...options });
}

/** A session that must have come about; `next` sends another message over it. */
export async function connected(host: Host, options: Partial<SessionOptions> = {}) {
  const opened = await open(host, options);
  if (opened.kind !== "open") throw new Error(`No session: ${JSON.stringify(opened)}`);
  const { session } = opened;
  const next = (bytes = message, to = envelope.to) => session.send(bytes, { ...envelope, to });
  return { session, exchanges: opened.exchanges, next };
}

/** Resolves when the session has become closed. */
export function closing(session: Session): Promise<void> {
  return new Promise((resolve) => {
    session.onClosed = resolve;
  });
}

function sessionOptions(host: Host): SessionOptions {
  return {
    host: host.hostname,
    address: host.address,
    port: host.port,
    ehloName: "out.example.net",
    tls: "opportunistic",
    rejectUnauthorized: false,
  };
}
