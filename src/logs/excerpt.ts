/** Longer strings are cut: a log shows what was asked, the emails themselves are kept elsewhere. */
const mostOfString = 256;
const mostOfAll = 4_000;

interface Writing {
  text: string;
}

/**
 * A body as a log keeps it: JSON text, with secrets masked, strings cut, attachments as their size, and after about
 * 4 KB no more. It costs as much as it keeps, whatever the size of the body; nothing of the body is held on to.
 */
export function excerptOf(value: unknown): string | null {
  if (value === undefined) return null;
  const writing = { text: "" };
  write(writing, value, "");
  return writing.text;
}

function write(writing: Writing, value: unknown, parent: string): void {
  if (typeof value === "string") writing.text += quoted(value);
  else if (typeof value !== "object" || value === null) writing.text += JSON.stringify(value) ?? "null";
  else if (Array.isArray(value)) writeArray(writing, value, parent);
  else if (value instanceof Date) writing.text += JSON.stringify(value);
  else writeObject(writing, value as Record<string, unknown>, parent);
}

function writeArray(writing: Writing, items: unknown[], parent: string): void {
  writing.text += "[";
  for (let index = 0; index < items.length; index++) {
    if (index > 0) writing.text += ",";
    if (writing.text.length > mostOfAll) {
      writing.text += `"… ${items.length - index} more"`;
      break;
    }
    write(writing, items[index], parent);
  }
  writing.text += "]";
}

function writeObject(writing: Writing, object: Record<string, unknown>, parent: string): void {
  writing.text += "{";
  let isFirst = true;
  for (const name in object) {
    const value = object[name];
    if (value === undefined) continue;
    if (!isFirst) writing.text += ",";
    isFirst = false;
    if (writing.text.length > mostOfAll) {
      writing.text += '"…":"more"';
      break;
    }
    writing.text += `${quoted(name)}:`;
    if (isSecret(name, value)) writing.text += '"[masked]"';
    else if (name === "content" && parent === "attachments") writing.text += `"[${sizeOf(value)} bytes]"`;
    else write(writing, value, name);
  }
  writing.text += "}";
}

const secretName =
  /(token|secret|passw(or)?d|passphrase|authorization|cookie|api[-_]?key|private[-_]?key|credentials)$/i;

/** Whether a field holds a secret, by its name; whether there is one may be known. */
const isSecret = (name: string, value: unknown): boolean =>
  secretName.test(name) && value !== null && typeof value !== "boolean";

/** Our own tokens and signing secrets, wherever somebody put them. */
const ownSecret = /\b(re|whsec)_[\w+/=-]{16,}/g;

function quoted(text: string): string {
  let kept = text;
  if (text.length > mostOfString) kept = `${text.slice(0, mostOfString)}… (${text.length} characters)`;
  if (kept.includes("re_") || kept.includes("whsec_")) kept = kept.replace(ownSecret, "$1_[masked]");
  return JSON.stringify(kept);
}

/** Of an attachment as clients write it: base64, a list of bytes, or Node's Buffer as JSON. */
function sizeOf(content: unknown): number {
  if (typeof content === "string") {
    const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
    return Math.max(0, Math.floor((content.length * 3) / 4) - padding);
  }
  if (Array.isArray(content)) return content.length;
  const { data } = Object(content) as { data?: unknown };
  return Array.isArray(data) ? data.length : 0;
}
