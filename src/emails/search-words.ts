/** What of emails can be searched by word: the columns of `email_search`, and how text becomes words there and here. */
import type { Email } from "./schema.ts";

export const wordColumns = ["sender", "recipients", "subject", "tags", "message_id"] as const;
export type WordColumn = (typeof wordColumns)[number];

/** What of an email is searched. */
export type SearchedEmail = Pick<
  Email,
  | "id"
  | "teamId"
  | "domainId"
  | "messageId"
  | "sender"
  | "recipients"
  | "cc"
  | "bcc"
  | "subject"
  | "tags"
  | "lastEvent"
>;

/** The texts of an email by column. A Message-ID made from the email's id is found by that id. */
export function textsOf(email: SearchedEmail): Record<WordColumn, string> {
  const { id, messageId, sender, recipients, cc, bcc, subject, tags } = email;
  return {
    sender,
    recipients: [...recipients, ...cc, ...bcc].join(" "),
    subject,
    tags: tags.map(({ name, value }) => `${name} ${value}`).join(" "),
    message_id: messageId.startsWith(`<${id}@`) ? "" : messageId,
  };
}

/** Text as the tokenizer of SQLite's FTS5 (`unicode61 remove_diacritics 2`) takes it apart. */
export function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .replace(/[^\0-\x7f]/gu, folded)
    .split(/[^\p{L}\p{N}\p{Co}]+/u)
    .filter(Boolean);
}

/** It takes marks off Latin letters alone: й and 한 are letters of their own. Marks that stand by themselves it drops, but not all. */
function folded(letter: string): string {
  if (droppedMarks.test(letter)) return "";
  const base = letter.normalize("NFD")[0]!;
  return /[a-z]/.test(base) ? base : (oneOf[letter] ?? letter);
}

const droppedMarks = /[\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d-\u032e\u0330-\u0331]/u;
/** Forms that it takes for the letter they are a form of. */
const oneOf: Record<string, string> = {
  ...{ µ: "μ", ſ: "s", ẛ: "s", ς: "σ", ϐ: "β", ϑ: "θ", ϕ: "φ", ϖ: "π", ϰ: "κ", ϱ: "ρ", ϵ: "ε" },
};

/** Words that must stand one after another. */
export interface Phrase {
  columns: readonly WordColumn[];
  words: string[];
  /** Whether the last word may go on. */
  isBegun: boolean;
}

/** Whether an email has a phrase, for those whose words are not written yet. */
export function hasPhrase(texts: Record<WordColumn, string>, { columns, words, isBegun }: Phrase): boolean {
  return columns.some((column) => {
    const found = wordsOf(texts[column]);
    return found.some((_, start) =>
      words.every((word, n) => {
        const there = found[start + n];
        return isBegun && n === words.length - 1 ? there?.startsWith(word) : there === word;
      }),
    );
  });
}

/**
 * A phrase in FTS5's query language; `ends` are the words its last one may be. The words are letters and digits alone, so
 * that nothing in them is syntax.
 */
export function matchOf({ columns, words }: Phrase, ends: string[]): string {
  const begin = words.slice(0, -1);
  const phrases = ends.map((end) => `"${[...begin, end].join(" ")}"`);
  return `{${columns.join(" ")}} : (${phrases.join(" OR ")})`;
}

/** A team or a domain as a word. */
export function scopeWord(id: string): string {
  return id.replaceAll("-", "");
}
