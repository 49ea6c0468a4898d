/** A message on its way after DATA: dots doubled, its end marked, and no more in memory than the host takes. */
import { setImmediate } from "node:timers/promises";
import type { Wire } from "./wire.ts";

/** Up to this a message goes out in one write, with its end. */
const smallBytes = 256 * 1024;
const sliceBytes = 64 * 1024;

const dot = 0x2e;
const newline = 10;
const lineThatBeginsWithDot = Buffer.from("\n.");
const end = Buffer.from(".\r\n");
const endOnNewLine = Buffer.from("\r\n.\r\n");

/**
 * Writes the message and its final dot. False when the host spoke before the end was written: then it has not got the
 * message, and the connection is good for nothing but reading what it said.
 */
export async function transfer(wire: Wire, message: Uint8Array): Promise<boolean> {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let from = 0;
  if (bytes.length > smallBytes) {
    wire.enter("transfer");
    for (; bytes.length - from > sliceBytes; from += sliceBytes) {
      const isTaken = wire.write(stuff(bytes, from, from + sliceBytes));
      // A buffer that takes everything at once must not keep us from hearing a no, or a hang-up, before the final dot.
      await (isTaken ? setImmediate() : wire.untilTaken());
      if (wire.hasUnread || wire.isBroken) return false;
    }
  }
  wire.write(stuff(bytes, from, bytes.length, endOf(bytes)));
  return true;
}

/** RFC 5321 §4.1.1.4: the CRLF before the dot is the message's own last one, so that nothing is added to it. */
function endOf(bytes: Buffer): Buffer {
  return bytes.length === 0 || bytes[bytes.length - 1] === newline ? end : endOnNewLine;
}

/** These bytes with a dot before every line that begins with one (RFC 5321 §4.5.2); the same bytes if there is none. */
function stuff(bytes: Buffer, from: number, to: number, tail?: Buffer): Buffer {
  const dots = findDots(bytes, from, to);
  if (dots.length === 0 && tail === undefined) return bytes.subarray(from, to);

  const stuffed = Buffer.allocUnsafe(to - from + dots.length + (tail?.length ?? 0));
  let at = 0;
  let copied = from;
  for (const position of dots) {
    at += bytes.copy(stuffed, at, copied, position);
    stuffed[at++] = dot;
    copied = position;
  }
  at += bytes.copy(stuffed, at, copied, to);
  tail?.copy(stuffed, at);
  return stuffed;
}

/** Where lines begin with a dot, the line's beginning being before `from` or not. Line ends are CRLF: that was checked. */
function findDots(bytes: Buffer, from: number, to: number): number[] {
  const dots: number[] = [];
  if (from < to && bytes[from] === dot && (from === 0 || bytes[from - 1] === newline)) dots.push(from);
  const range = bytes.subarray(from, to); // not the whole rest, which would be searched again for every slice
  for (let at = range.indexOf(lineThatBeginsWithDot); at >= 0; ) {
    dots.push(from + at + 1);
    at = range.indexOf(lineThatBeginsWithDot, at + 2);
  }
  return dots;
}
