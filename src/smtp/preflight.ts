/** What is looked at before a message is offered, so that a host is never asked for what can't succeed. */
import type { Reply } from "./reply.ts";

export type Envelope = {
  /** The return path; "" is the null sender (RFC 5321 §4.5.5). */
  from: string;
  to: string;
};

/** Whether the message has bytes above 127, which BODY=8BITMIME announces (RFC 6152). Throws on a bare CR or LF. */
export function inspectMessage(message: Uint8Array): boolean {
  let eightBit = false;
  for (let at = 0; at < message.length; at++) {
    const byte = message[at]!;
    if (byte > 127) eightBit = true;
    // RFC 5321 §2.3.8: only CRLF ends a line; anything else invites SMTP smuggling
    else if (byte === 10 && message[at - 1] !== 13)
      throw new Error(`The message has a bare LF at byte ${at}`);
    else if (byte === 13 && message[at + 1] !== 10)
      throw new Error(`The message has a bare CR at byte ${at}`);
  }
  return eightBit;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to keep off the wire
const unwritable = /[\x00-\x1f\x7f<>]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII begins at NUL
const ascii = /^[\x00-\x7f]*$/;

export const isAscii = (address: string): boolean => ascii.test(address);

/** Why these addresses can't be written into a command at all: they would end it, or begin another. */
export function checkEnvelope({ from, to }: Envelope): Reply | undefined {
  if (unwritable.test(from))
    return { code: 553, enhanced: "5.1.7", text: "The sender address can't be sent over SMTP" };
  if (to !== "" && !unwritable.test(to)) return undefined;
  return { code: 553, enhanced: "5.1.3", text: "The recipient address can't be sent over SMTP" };
}

/** Why this host, by what its EHLO announced, can't take the message. Asked before MAIL FROM, so that nothing is begun. */
export function checkCapabilities(
  capabilities: ReadonlyMap<string, string>,
  { from, to }: Envelope,
  bytes: number,
): Reply | undefined {
  // RFC 6531 §3.1: such an address must not be sent to a host that has not offered SMTPUTF8
  if (!capabilities.has("SMTPUTF8") && !(isAscii(from) && isAscii(to))) {
    return {
      code: 553,
      enhanced: "5.6.7",
      text: "The host does not take addresses with non-ASCII characters (SMTPUTF8)",
    };
  }
  // RFC 1870 §3: SIZE without a number, or with 0, sets no limit
  const limit = Number(capabilities.get("SIZE") ?? 0);
  if (!(limit > 0 && bytes > limit)) return undefined;
  return {
    code: 552,
    enhanced: "5.3.4",
    text: `The message has ${bytes} bytes, and the host takes at most ${limit}`,
  };
}
