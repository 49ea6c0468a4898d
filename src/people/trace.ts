/** How one finds a person's address in what is stored, and takes it out. */
import { type SQL, sql } from "drizzle-orm";
import { parseAddress, recipientKey } from "../mail/address.ts";

/** Who was erased is called this wherever others are told beside them; nobody can have the domain (RFC 2606 §2). */
export const nobody = "erased@erased.invalid";
export const nobodysDomain = "erased.invalid";

/**
 * The traces of one address. SQL finds the candidates: it knows capitals of ASCII alone, so of an address beyond that it
 * gives whatever names the domain. Which of them are the person's is then asked here.
 */
export class Trace {
  readonly #domain: string;
  readonly #isAscii: boolean;
  readonly #pattern: RegExp;

  /** A `recipientKey`. */
  constructor(readonly key: string) {
    this.#domain = key.slice(key.lastIndexOf("@"));
    this.#isAscii = /^[\0-\x7f]*$/.test(key);
    // `bob@x.test` is no part of `jim.bob@x.test`, nor of `bob@x.test.example`.
    this.#pattern = new RegExp(
      `(?<![\\p{L}\\p{M}\\p{N}._%+-])${RegExp.escape(key)}(?![\\p{L}\\p{N}-]|\\.[\\p{L}\\p{N}])`,
      "giu",
    );
  }

  /** Whether a column with an address alone may be theirs. */
  mayBe(column: SQL): SQL {
    return this.#isAscii
      ? sql`${column} = ${this.key} collate nocase`
      : sql`lower(${column}) like ${`%${this.#domain}`}`;
  }

  /** Whether a column with any text may name them. */
  mayName(column: SQL): SQL {
    return sql`instr(lower(${column}), ${this.#isAscii ? this.key : this.#domain}) > 0`;
  }

  /** The same of a path, in which signs may be encoded. */
  mayNameEncoded(column: SQL): SQL {
    return sql`instr(replace(lower(${column}), '%40', '@'), ${this.#domain}) > 0`;
  }

  /** Whether an address, with or without a name, is theirs. */
  isTheirs(address: string): boolean {
    const parsed = parseAddress(address);
    return parsed !== undefined && recipientKey(parsed.address) === this.key;
  }

  isNamedIn(text: string | null): boolean {
    if (text === null) return false;
    this.#pattern.lastIndex = 0;
    return this.#pattern.test(text.normalize("NFC"));
  }

  isNamedInPath(path: string): boolean {
    try {
      return this.isNamedIn(decodeURIComponent(path));
    } catch {
      return this.isNamedIn(path);
    }
  }

  without(text: string): string {
    return this.isNamedIn(text) ? text.normalize("NFC").replace(this.#pattern, nobody) : text;
  }

  /** A list of addresses in which they are nobody. */
  withoutThem(addresses: string[]): string[] {
    return addresses.map((each) => (this.isTheirs(each) ? nobody : each));
  }
}
