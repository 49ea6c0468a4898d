/**
 * The text of a CSV file in pieces of one size, every line ending as `\n`. A byte order mark decides the encoding, else
 * `charset`, else it is UTF-8; what is no text in that encoding becomes U+FFFD.
 */
export async function* readText(
  bytes: AsyncIterable<Uint8Array>,
  charset: string,
  pieceBytes: number,
): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let start = new Uint8Array();
  let endsInReturn = false;
  const toLines = (text: string, isLast: boolean): string => {
    const whole = endsInReturn ? `\r${text}` : text;
    endsInReturn = !isLast && whole.endsWith("\r"); // its line feed may come with the next piece
    return (endsInReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  };
  for await (const piece of pieces(bytes, pieceBytes)) {
    if (decoder) {
      yield toLines(decoder.decode(piece, { stream: true }), false);
      continue;
    }
    start = Buffer.concat([start, piece]);
    if (start.length < longestMark) continue;
    decoder = decoderOf(start, charset);
    yield toLines(decoder.decode(start, { stream: true }), false);
  }
  // Without one there were fewer bytes than a mark may have: they are still undecoded.
  yield toLines(decoder ? decoder.decode() : decoderOf(start, charset).decode(start), true);
}

/** Gathers what comes in smaller ones: what is read of a piece must not be paid for byte by byte. */
async function* pieces(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + size - length);
      gathered.push(part);
      at += part.length;
      length += part.length;
      if (length < size) continue;
      yield Buffer.concat(gathered);
      gathered = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(gathered);
}

const marks: [number[], string][] = [
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];
const longestMark = 3;

function decoderOf(start: Uint8Array, charset: string): TextDecoder {
  const marked = marks.find(([mark]) => mark.every((byte, index) => start[index] === byte));
  return new TextDecoder(marked?.[1] ?? charset); // which leaves the mark out of the text
}
