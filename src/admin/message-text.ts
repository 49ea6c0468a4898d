/** A message (RFC 5322) as pages show it. */

/** More is no reading matter: all of it can be downloaded. */
const shownBytes = 256 * 1024;

/** The beginning of a message as text; UTF-8 where it is that, and what it is else as the octets it has. */
export function rawText(message: Uint8Array): { text: string; isCut: boolean } {
  const bytes = message.subarray(0, shownBytes);
  return { text: new TextDecoder().decode(bytes), isCut: message.length > shownBytes };
}

export interface HeaderField {
  name: string;
  value: string;
}

/** Nobody reads more of them; a stranger may well write a hundred thousand. */
const mostFields = 500;

/** The first fields of a message's head in their order, unfolded. Takes whatever comes. */
export function headerFields(message: Uint8Array): HeaderField[] {
  const { text } = rawText(message);
  const [head = ""] = text.split(/\r?\n\r?\n/, 1);
  return head
    .split(/\r?\n(?![ \t])/)
    .filter((line) => line.trim() !== "")
    .slice(0, mostFields)
    .map((line) => {
      const colon = line.indexOf(":");
      const name = colon === -1 ? "" : line.slice(0, colon);
      return {
        name,
        value: line
          .slice(colon + 1)
          .replace(/\r?\n[ \t]+/g, " ")
          .trim(),
      };
    });
}
