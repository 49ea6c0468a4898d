export interface RecordCheck {
  /** `pending`: nothing is there yet, or DNS did not answer. `failed`: something else is there. */
  status: "verified" | "pending" | "failed";
  /** What is published, made safe to show. */
  found: string[];
  /** One plain sentence for the domain's owner: what was found and what to change. Empty when verified. */
  reason: string;
}

export const verified = (found: string[]): RecordCheck => ({
  status: "verified",
  found: found.map(shown),
  reason: "",
});

export const pending = (reason: string): RecordCheck => ({ status: "pending", found: [], reason });

export const wrong = (found: string[], reason: string): RecordCheck => ({
  status: "failed",
  found: found.slice(0, 10).map(shown),
  reason,
});

/** A stranger's text fit for a sentence, a page or a log: no control or invisible characters, and not long. */
export function shown(text: string): string {
  const clean = text.replace(/\p{C}/gu, "");
  if (clean.length <= 200) return clean;
  return `${clean.slice(0, 200).replace(/\p{Cs}$/u, "")}…`; // the cut may go through a pair of surrogates
}

/** What a TXT value means where the quotes and backslashes of a zone file were typed into a form that wants none. */
export function unquoted(text: string): string {
  const joined = text.replace(/"\s+"/g, ""); // "one" "two" is one value in two strings
  return joined.replaceAll('"', "").replaceAll("\\;", ";").trim();
}

/**
 * Judges the one text that counts, and again without a zone file's quoting when there is any: a record that would be
 * right without it is the commonest of mistakes and deserves its own sentence.
 */
export function judgeText(host: string, text: string, judge: (text: string) => RecordCheck): RecordCheck {
  const bare = unquoted(text);
  const check = judge(bare);
  if (bare === text.trim() || check.status !== "verified") return { ...check, found: [shown(text)] };
  return wrong(
    [text],
    `The value at ${host} is right but has quotation marks or backslashes in it: publish it again without them.`,
  );
}

/**
 * The tag list of DKIM and DMARC records (RFC 6376 §3.2). Whitespace goes everywhere, as it may stand inside p= and around anything. The first
 * of a repeated tag counts.
 */
export function readTags(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    const at = part.indexOf("=");
    const name = part.slice(0, at).replace(/\s+/g, "");
    if (at > 0 && !tags.has(name)) tags.set(name, part.slice(at + 1).replace(/\s+/g, ""));
  }
  return tags;
}
