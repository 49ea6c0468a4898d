/** Read at a time: large enough to cost little, small enough that nobody waits long for it. */
const pieceBytes = 64 * 1024;

/**
 * The text of a CSV file piece by piece, every line ending as `\n`. A byte order mark decides the encoding, else
 * `charset`, else it is UTF-8; what is no text in that encoding becomes U+FFFD.
 */
export async function* readText(bytes: AsyncIterable<Uint8Array>, charset = "utf-8"): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let start = new Uint8Array();
  let endsInReturn = false;
  const toLines = (text: string, isLast: boolean): string => {
    const whole = endsInReturn ? `\r${text}` : text;
    endsInReturn = !isLast && whole.endsWith("\r"); // its line feed may come with the next piece
    return (endsInReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  };
  for await (const piece of pieces(bytes)) {
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

async function* pieces(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
  }
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
