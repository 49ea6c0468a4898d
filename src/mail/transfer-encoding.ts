/** Undoing the encodings of RFC 2045 §6 by the book: undefined for what readers could take for different things. */

export function decodeTransfer(body: Buffer, encoding: string): Buffer | undefined {
  switch (encoding) {
    case "7bit":
    case "8bit":
    case "binary":
      return body;
    case "quoted-printable":
      return decodeQuotedPrintable(body);
    case "base64":
      return decodeBase64(body);
    default:
      return undefined;
  }
}

function decodeBase64(body: Buffer): Buffer | undefined {
  const text = body.toString("latin1").replace(/[\r\n\t ]/g, "");
  const isWhole = text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  return isWhole ? Buffer.from(text, "base64") : undefined;
}

const [tab, lf, cr, space, equals] = [0x09, 0x0a, 0x0d, 0x20, 0x3d];

function decodeQuotedPrintable(body: Buffer): Buffer | undefined {
  const out = Buffer.allocUnsafe(body.length);
  let size = 0;
  for (let at = 0; at < body.length; ) {
    const byte = body[at]!;
    if (byte === equals) {
      const end = endOfSpaces(body, at + 1);
      if (isLineEnd(body, end)) {
        at = end + 2; // a line that goes on
        continue;
      }
      const value = hexAt(body, at + 1);
      if (value === undefined) return undefined;
      out[size++] = value;
      at += 3;
    } else if (byte === space || byte === tab) {
      const end = endOfSpaces(body, at);
      // §6.7 (3): white space at the end of a line is none of the text's.
      if (!isLineEnd(body, end)) size += body.copy(out, size, at, end);
      at = end;
    } else if (byte > 0x7e) {
      return undefined;
    } else {
      out[size++] = byte;
      at++;
    }
  }
  return out.subarray(0, size);
}

function endOfSpaces(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === space || body[at] === tab) at++;
  return at;
}

/** The end of the whole is the end of a line. */
const isLineEnd = (body: Buffer, at: number): boolean =>
  at >= body.length || (body[at] === cr && body[at + 1] === lf);

function hexAt(body: Buffer, at: number): number | undefined {
  const digits = body.toString("latin1", at, at + 2);
  return /^[0-9A-Fa-f]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
