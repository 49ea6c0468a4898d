const cr = 0x0d;
const lf = 0x0a;
const maxLineOctets = 998;

/**
 * What keeps bytes from being a message that every host reads alike: RFC 5321 §2.3.8 has CRLF as the only line end, and
 * RFC 5322 §2.1.1 lines of at most 998 octets. A bare CR or LF is how one message is smuggled inside another.
 */
export function wireMistake(message: Uint8Array): string | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const mistake = bareLineEnd(bytes);
  if (mistake !== undefined) return mistake;
  let lineStart = 0;
  for (let at = bytes.indexOf(lf); at !== -1; at = bytes.indexOf(lf, lineStart)) {
    if (at - 1 - lineStart > maxLineOctets) return `a line of more than ${maxLineOctets} octets`;
    lineStart = at + 1;
  }
  if (lineStart === 0 || lineStart !== bytes.length) return "a last line without CRLF";
  return bytes.includes(0) ? "a NUL" : undefined;
}

/** The first kind of line end other than CRLF. */
export function bareLineEnd(bytes: Buffer): "a bare LF" | "a bare CR" | undefined {
  for (let at = bytes.indexOf(lf); at !== -1; at = bytes.indexOf(lf, at + 1)) {
    if (bytes[at - 1] !== cr) return "a bare LF";
  }
  for (let at = bytes.indexOf(cr); at !== -1; at = bytes.indexOf(cr, at + 1)) {
    if (bytes[at + 1] !== lf) return "a bare CR";
  }
  return undefined;
}
