// RFC 2045 §6.8, straight from bytes to bytes. What the runtime offers goes through strings, which for a large attachment
// are garbage of twice its size, and collected late.

const lineOctets = 57; // make 76 characters
const alphabet = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const padding = 0x3d;

/** The length of the base64 of `content` in lines of 76 characters, with CRLF between them and none at the end. */
export function base64Size(content: Uint8Array): number {
  const lines = Math.ceil(content.byteLength / lineOctets);
  return Math.ceil(content.byteLength / 3) * 4 + Math.max(0, lines - 1) * 2;
}

/** Writes that base64 into `target` from `start` on and gives its length. */
export function writeBase64(content: Uint8Array, target: Uint8Array, start: number): number {
  let at = start;
  for (let from = 0; from < content.byteLength; from += 3) {
    if (from > 0 && from % lineOctets === 0) {
      target[at++] = 0x0d;
      target[at++] = 0x0a;
    }
    const left = content.byteLength - from;
    const bits = (content[from]! << 16) | ((content[from + 1] ?? 0) << 8) | (content[from + 2] ?? 0);
    target[at++] = alphabet[bits >> 18]!;
    target[at++] = alphabet[(bits >> 12) & 63]!;
    target[at++] = left > 1 ? alphabet[(bits >> 6) & 63]! : padding;
    target[at++] = left > 2 ? alphabet[bits & 63]! : padding;
  }
  return at - start;
}
