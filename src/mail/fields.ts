/** Blocks of header fields outside a message's own head: in reports, and in the originals that reports quote. */

/** Field names in lower case; the first of a name counts. */
export type Fields = ReadonlyMap<string, string>;

// A report has a handful of short fields; what is longer is somebody's attempt at something.
const maxBlockLength = 64_000;
const maxFields = 200;

/** Reads one block of `Name: value` lines, unfolded. Lines that are no field are passed over. */
export function readFields(block: string): Fields {
  const fields = new Map<string, string>();
  for (const line of unfold(block)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    if (colon < 1 || !/^[!-9;-~]+$/.test(name) || fields.has(name)) continue;
    fields.set(name, line.slice(colon + 1).trim());
    if (fields.size === maxFields) break;
  }
  return fields;
}

/** The blocks of a text, which empty lines divide. */
export function readBlocks(text: string): Fields[] {
  return text
    .slice(0, maxBlockLength)
    .split(/(?:\r?\n[ \t]*){2,}/)
    .map(readFields)
    .filter(({ size }) => size > 0);
}

/** The head of a message that a report quotes whole or in part. */
export function readHead(message: string): Fields {
  const text = message.slice(0, maxBlockLength);
  const end = /\r?\n\r?\n/.exec(text)?.index;
  return readFields(text.slice(0, end));
}

/** RFC 5322 §2.2.3: a line that begins with white space goes on where the one before it ended. */
function unfold(block: string): string[] {
  const lines: string[] = [];
  for (const line of block.slice(0, maxBlockLength).split(/\r\n|\n|\r/)) {
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop()} ${line.trim()}`);
    else lines.push(line);
  }
  return lines;
}
