// RFC 6376 works on octets, so text is `latin1` here: one character an octet, whatever the charset.

/** A message's header fields, each with its folds and without its last CRLF, and its body (RFC 5322 §2.1). */
export function splitMessage(message: Uint8Array): { header: string[]; body: string } {
  const text = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString("latin1");
  // Other hosts would read a bare CR or LF as a line end and so see another message than the one that was signed.
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) throw new Error("A message with a bare CR or LF can't be signed");
  const end = text.indexOf("\r\n\r\n");
  const header = end === -1 ? text.replace(/\r\n$/, "") : text.slice(0, end);
  return { header: header.split(/\r\n(?![ \t])/), body: end === -1 ? "" : text.slice(end + 4) };
}

/** RFC 6376 §3.4.2, without the CRLF at the end. */
export function relaxedField(field: string): string {
  const colon = field.indexOf(":");
  const name = field.slice(0, colon);
  if (!/^[!-9;-~]+$/.test(name)) throw new Error("A message with a malformed header can't be signed");
  const value = field
    .slice(colon + 1)
    .replaceAll("\r\n", "")
    .replace(/[ \t]+/g, " ");
  return `${name.toLowerCase()}:${value.replace(/^ | $/g, "")}`;
}

/** RFC 6376 §3.4.4. */
export function relaxedBody(body: string): string {
  // In two steps: one pattern for white space before a line end takes quadratic time on a long line of spaces.
  const lines = body.replace(/[ \t]+/g, " ").replaceAll(" \r\n", "\r\n");
  let end = lines.endsWith(" ") ? lines.length - 1 : lines.length;
  while (lines.startsWith("\r\n", end - 2) && end >= 2) end -= 2;
  return end === 0 ? "" : `${lines.slice(0, end)}\r\n`;
}
