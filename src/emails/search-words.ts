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
    .normalize("NFD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{Co}]+/u)
    .filter(Boolean);
}

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
