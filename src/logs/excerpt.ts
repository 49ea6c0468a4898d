/** Longer strings are cut: a log shows what was asked, the emails themselves are kept elsewhere. */
const mostOfString = 256;
const mostOfAll = 4_000;

/** How much room is left. Strings count by their length, all else a little. */
interface Room {
  left: number;
}

/**
 * A body as a log keeps it: JSON text, with secrets masked, strings cut, attachments as their size, and after about
 * 4 KB no more. It costs as much as it keeps, whatever the size of the body; nothing of the body is held on to.
 */
export function excerptOf(value: unknown): string | null {
  if (value === undefined) return null;
  // A copy that is written in one go: to write piece by piece takes twice as long.
  return JSON.stringify(shorten(value, "", { left: mostOfAll })) ?? null;
}

function shorten(value: unknown, parent: string, room: Room): unknown {
  if (typeof value === "string") return cut(value, room);
  if (typeof value !== "object" || value === null || value instanceof Date) {
    room.left -= 8;
    return value;
  }
  return Array.isArray(value)
    ? shortenArray(value, parent, room)
    : shortenObject(value as Record<string, unknown>, parent, room);
}

function shortenArray(items: unknown[], parent: string, room: Room): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) {
    room.left -= 2;
    if (room.left < 0) {
      kept.push(`... ${items.length - kept.length} more`);
      break;
    }
    kept.push(shorten(item, parent, room));
  }
  return kept;
}

function shortenObject(fields: Record<string, unknown>, parent: string, room: Room): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || name === "__proto__") continue;
    if (room.left < 0) {
      kept["..."] = "more";
      break;
    }
    const shown = cut(name, room);
    if (secretName.test(name) && value !== null && typeof value !== "boolean") kept[shown] = "[masked]";
    else if (name === "content" && parent === "attachments") kept[shown] = `[${sizeOf(value)} bytes]`;
    else kept[shown] = shorten(value, name, room);
  }
  return kept;
}

const secretName =
  /(token|secret|passw(or)?d|passphrase|authorization|cookie|api[-_]?key|private[-_]?key|credentials)$/i;

/** Our own tokens and signing secrets, wherever somebody put them. */
const ownSecret = /\b(re|whsec)_[\w+/=-]{16,}/g;

/** Links that open without a key, as answers give them. */
const linkToken = /([?&]token=)[\w~.-]+/g;

function cut(text: string, room: Room): string {
  const kept =
    text.length > mostOfString
      ? `${text.slice(0, mostOfString)}... (${text.length} characters)` // in ASCII, as text beyond it takes twice the room
      : text;
  room.left -= kept.length + 4;
  if (kept.includes("token=")) return kept.replace(linkToken, "$1[masked]").replace(ownSecret, "$1_[masked]");
  return kept.includes("re_") || kept.includes("whsec_") ? kept.replace(ownSecret, "$1_[masked]") : kept;
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
