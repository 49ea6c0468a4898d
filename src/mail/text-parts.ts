import { remembering } from "./remembering.ts";
import { textFromHtml } from "./text.ts";
import { encodeTextPart, type TextPart } from "./text-part.ts";

/** What an email says. Without a text one is made from the HTML; an empty one makes no part. */
export type Content = { text?: string; html?: string };

// Retries, and all the recipients of an email that is the same for each, find the work done: it is over half of what a
// message costs besides its signatures. Characters take one or two bytes, so this is at most 4 MB a thread.
const maxRemembered = 2_000_000;
const maxEntry = maxRemembered / 8;
const remembered = new Map<string, TextPart[]>();
let held = 0;

/** The text that is made of HTML which many messages have. */
export const sharedText = remembering(textFromHtml);

/** The text and HTML of a message, as they are to be shown. */
export function shownContent({ text, html }: Content): { text: string; html: string } {
  return { text: text ?? (html === undefined ? "" : textFromHtml(html)), html: html ?? "" };
}

/**
 * The encoded parts of a message, in the order of RFC 2046 §5.1.4: the plainest first. What is `own` stands in place of
 * what the recipients have in common; without a text of its own a message has the one that is made of the common HTML.
 */
export async function textPartsOf(content: Content & { own?: Content }): Promise<TextPart[]> {
  const { own = {} } = content;
  if (own.text === undefined && own.html === undefined) return sharedParts(content, true);
  const text = own.text === undefined ? sharedParts(content, false) : ownPart("text/plain", own.text);
  return [...(await text), ...(await ownPart("text/html", own.html ?? ""))];
}

async function ownPart(type: TextPart["type"], text: string): Promise<TextPart[]> {
  return text === "" ? [] : [await encodeTextPart(type, text)];
}

async function sharedParts(content: Content, hasHtml: boolean): Promise<TextPart[]> {
  const kind = hasHtml ? "" : "text of ";
  const key = `${kind}${content.text?.length ?? "none"}:${content.text ?? ""}${content.html ?? ""}`;
  const known = remembered.get(key);
  if (known !== undefined) {
    remembered.delete(key);
    remembered.set(key, known); // a Map keeps the order of insertion, so the front is what was unused for longest
    return known;
  }
  const { text, html } = shownContent(content);
  const parts: TextPart[] = [];
  if (text !== "") parts.push(await encodeTextPart("text/plain", text));
  if (html !== "" && hasHtml) parts.push(await encodeTextPart("text/html", html));
  remember(key, parts);
  return parts;
}

function remember(key: string, parts: TextPart[]): void {
  const size = sizeOf(key, parts);
  if (size > maxEntry || remembered.has(key)) return;
  remembered.set(key, parts);
  held += size;
  for (const [oldKey, oldParts] of remembered) {
    if (held <= maxRemembered) break;
    remembered.delete(oldKey);
    held -= sizeOf(oldKey, oldParts);
  }
}

function sizeOf(key: string, parts: TextPart[]): number {
  return parts.reduce((size, { content }) => size + content.length, key.length);
}
