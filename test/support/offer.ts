import { type Conversation, type ConversationOptions, converse } from "../../src/smtp/client.ts";

export const envelope = { from: "bounce@example.net", to: "ada@example.com" };
export const message = new TextEncoder().encode("Subject: hello\r\n\r\nHow are you?\r\n");

/** Offers a small message to a host as a delivery would, with whatever the test wants to be different. */
export function offer(
  host: { hostname: string; address: string; port: number },
  options: Partial<ConversationOptions> = {},
): Promise<Conversation> {
  return converse({
    host: host.hostname,
    address: host.address,
    port: host.port,
    ehloName: "out.example.net",
    tls: "opportunistic",
    rejectUnauthorized: false,
    envelope,
    message,
    ...options,
  });
}
