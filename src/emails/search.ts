import { and, desc, eq, gte, lt, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { Refusal } from "../errors.ts";
import { isId, leastIdAt } from "../ids.ts";
import { parseAddress, recipientKey } from "../mail/address.ts";
import { readMessageId } from "../mail/message-id.ts";
import { emails, type LastEvent, lastEvents } from "./schema.ts";
import { type FoundEmail, findCopy, listCopies } from "./search-copies.ts";
import { wordsWrittenTo } from "./search-index.ts";
import { idPrefixSql, searchRowid } from "./search-rowid.ts";
import { hasPhrase, matchOf, type Phrase, scopeWord, textsOf, wordColumns, wordsOf } from "./search-words.ts";
import { findListedEmail, type ListedEmail, listed } from "./store.ts";

/** What is looked for; what is absent may be anything. */
export interface EmailSearch {
  /**
   * Words of subject, addresses, tags or Message-ID, each of which must be there and may be only begun; `from:`, `to:`,
   * `subject:` or `tag:` before one says where, quotes hold several together. An email's id, too.
   */
  text?: string;
  status?: string;
  domainId?: string;
  /** A tag's name, or `name:value`. */
  tag?: string;
  from?: Date;
  /** Emails before it. */
  until?: Date;
}

export interface FoundEmails {
  emails: FoundEmail[];
  /** Where to go on; absent when everything was looked at. Fewer than asked for may be found before it. */
  next?: string;
}

interface Wanted extends Pick<EmailSearch, "domainId" | "from" | "until"> {
  status?: LastEvent;
  phrases: Asked[];
  /** The id of one email, or of one copy of a broadcast. */
  id?: string;
}

/** A phrase of a search, and the address it is where it is a whole one and may be a recipient's. */
interface Asked extends Phrase {
  address?: string;
}

/** So much is looked at for one answer: then it says how far it came, rather than to take long. */
const slices = 2;
const perSlice = { whole: 330, narrowed: 2_000, words: 40_000, matches: 400 } as const;
/** More words than this begin so: whoever has one of them is found sooner by looking. */
const mostEnds = 24;
/** An email has a word some times at most: where it has been written no oftener than this, few emails have it. */
const fewTimes = 1_000;
/** So many words are asked for whether few have them, the longest first. */
const mostWholeWords = 8;

/**
 * The emails of a team that are looked for, newest first, behind an id when one is given. Of broadcasts the copies of whom
 * a whole address or a Message-ID names.
 */
export async function searchEmails(
  app: App,
  teamId: string,
  search: EmailSearch,
  { limit, after }: { limit: number; after?: string },
): Promise<FoundEmails> {
  const wanted = readSearch(search);
  const meant = wanted.phrases.find(({ address }) => address !== undefined);
  if (wanted.id !== undefined) {
    const found =
      (await findListedEmail(app.db, teamId, wanted.id)) ?? (await findCopy(app.db, teamId, wanted.id));
    if (found || !meant) return { emails: found ? [found] : [] };
  }
  const position = earlier(after, wanted.until && leastIdAt(wanted.until));
  const found = await byWords(app, wanted, { teamId, position, limit });
  if (!meant) return found;
  const least = later(wanted.from && leastIdAt(wanted.from), found.next ?? "");
  const { copies, next } = await listCopies(app.db, teamId, meant.address!, { position, least });
  const phrases = wanted.phrases.filter((phrase) => phrase !== meant);
  const sent = copies.filter((copy) => isWanted(copy, { ...wanted, phrases }));
  return merged(found, { emails: sent, next }, limit);
}

/** Both as far as both have come, the newest of them. A copy stands for its broadcast, which may be found by its words. */
function merged(one: FoundEmails, other: FoundEmails, limit: number): FoundEmails {
  const least = later(one.next, other.next ?? "");
  const byId = new Map([...one.emails, ...other.emails].map((email) => [email.id, email]));
  const emails = [...byId.values()]
    .filter(({ id }) => id >= least)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit);
  if (emails.length === limit) return { emails, next: emails.at(-1)!.id };
  return { emails, ...(least !== "" && { next: least }) };
}

async function byWords(app: App, wanted: Wanted, place: Place): Promise<FoundEmails> {
  const { teamId, limit } = place;
  // In this order: what is written meanwhile is then looked at, and not taken for what no word has led to.
  const written = await wordsWrittenTo(app.db);
  const words = await askWords(app.db, teamId, wanted);
  const writtenTo = words === undefined ? "" : written;
  const found: ListedEmail[] = [];
  let { position } = place;
  for (let n = 0; n < slices; n++) {
    const rest = { teamId, position, limit: limit - found.length };
    const slice =
      words !== undefined && position !== undefined && position <= writtenTo
        ? "few" in words
          ? await having(app.db, wanted, words.few, rest)
          : await matching(app.db, wanted, words.match, rest)
        : isIndexed(wanted)
          ? await withOutcome(app.db, wanted, rest)
          : await walking(app.db, wanted, writtenTo, rest);
    found.push(...slice.emails);
    if (slice.next === undefined) return { emails: found };
    position = slice.next;
    if (found.length >= limit) break;
  }
  return { emails: found, next: position };
}

interface Slice {
  emails: ListedEmail[];
  /** Where the next slice begins; absent when there is nothing behind this one. */
  next?: string;
}

interface Place {
  teamId: string;
  position: string | undefined;
  limit: number;
}

/** Looks at emails themselves, down to the last whose words are written: what is newer, and what no index tells apart. */
async function walking(db: Db, wanted: Wanted, writtenTo: string, place: Place): Promise<Slice> {
  const { teamId, position, limit } = place;
  const { phrases, status, domainId, from } = wanted;
  const least = later(from && leastIdAt(from), writtenTo);
  const size = phrases.length > 0 ? perSlice.whole : perSlice.narrowed;
  const end = await idBehind(db, place, size);
  const rows = await db
    .select(listed)
    .from(emails)
    .where(
      and(
        eq(emails.teamId, teamId),
        position === undefined ? undefined : lt(emails.id, position),
        gte(emails.id, later(end, least)),
        status && eq(emails.lastEvent, status),
        domainId === undefined ? undefined : eq(emails.domainId, domainId),
      ),
    )
    .orderBy(desc(emails.id))
    .limit(phrases.length > 0 ? size : limit);
  const kept: ListedEmail[] = [];
  for (const row of rows) {
    if (isWanted(row, wanted)) kept.push(row);
    if (kept.length === limit) return { emails: kept, next: row.id };
  }
  if (end !== undefined && end > least) return { emails: kept, next: end };
  // What is left has its words written, unless all of it is too old.
  const isOver = writtenTo === "" || (from !== undefined && leastIdAt(from) > writtenTo);
  return isOver ? { emails: kept } : { emails: kept, next: writtenTo };
}

/** The email so many behind a place; undefined when there are not so many. */
async function idBehind(db: Db, { teamId, position }: Place, count: number): Promise<string | undefined> {
  const row = await db
    .select({ id: emails.id })
    .from(emails)
    .where(and(eq(emails.teamId, teamId), position === undefined ? undefined : lt(emails.id, position)))
    .orderBy(desc(emails.id))
    .limit(1)
    .offset(count - 1)
    .get();
  return row?.id;
}

/** Looks at what was bounced, failed and so on, which has an index. */
async function withOutcome(
  db: Db,
  { status, from }: Wanted,
  { teamId, position, limit }: Place,
): Promise<Slice> {
  const rows = await db
    .select(listed)
    .from(emails)
    .where(
      and(
        eq(emails.teamId, teamId),
        eq(emails.lastEvent, status!),
        hasOutcome,
        position === undefined ? undefined : lt(emails.id, position),
        from && gte(emails.id, leastIdAt(from)),
      ),
    )
    .orderBy(desc(emails.id))
    .limit(limit);
  return { emails: rows, next: rows.length === limit ? rows.at(-1)!.id : undefined };
}

/** Looks at the emails that have a word which few have. */
async function having(db: Db, wanted: Wanted, few: readonly string[], place: Place): Promise<Slice> {
  const { teamId, position, limit } = place;
  const least = later(wanted.from && leastIdAt(wanted.from), "");
  const behind = few.filter(
    (prefix) => (position === undefined || prefix < position) && endOf(prefix) > least,
  );
  const looked = behind.slice(0, perSlice.matches);
  const kept: ListedEmail[] = [];
  for (const row of await listByPrefix(db, teamId, looked, wanted.status)) {
    if (position !== undefined && row.id >= position) continue;
    if (row.id >= least && isWanted(row, wanted)) kept.push(row);
    if (kept.length === limit) return { emails: kept, next: row.id };
  }
  return { emails: kept, next: looked.length < behind.length ? beginOf(looked.at(-1)!) : undefined };
}

/** The least id that begins so, and what is behind the last. */
const beginOf = (prefix: string) => `${prefix}000-000000000000`;
const endOf = (prefix: string) => `${prefix}g`;

/** Asks the words. */
async function matching(db: Db, wanted: Wanted, match: string, place: Place): Promise<Slice> {
  const { teamId, position, limit } = place;
  const { status, from } = wanted;
  const end = await idBehind(db, place, perSlice.words);
  const least = later(from && leastIdAt(from), end ?? "");
  // One more: emails may share the row that the last answer ended in.
  const mostMatches = (status === undefined ? limit : perSlice.matches) + 1;
  const rows = await db.all<[string]>(
    sql`select ${sql.raw(idPrefixSql("rowid"))} from email_search
      where email_search match ${match}
        and rowid <= cast(${position === undefined ? "9223372036854775807" : searchRowid(position)} as integer)
        and rowid >= cast(${least === "" ? "0" : searchRowid(least)} as integer)
      order by rowid desc limit ${mostMatches}`,
  );
  const prefixes = rows.map(([prefix]) => prefix);
  const kept: ListedEmail[] = [];
  for (const row of await listByPrefix(db, teamId, prefixes, status)) {
    if (position !== undefined && row.id >= position) continue;
    if (isWanted(row, wanted)) kept.push(row);
    if (kept.length === limit) return { emails: kept, next: row.id };
  }
  if (prefixes.length === mostMatches) return { emails: kept, next: beginOf(prefixes.at(-1)!) };
  return { emails: kept, next: end !== undefined && least === end ? end : undefined };
}

async function listByPrefix(
  db: Db,
  teamId: string,
  prefixes: string[],
  status: LastEvent | undefined,
): Promise<ListedEmail[]> {
  const rows = await db
    .select(listed)
    .from(sql`json_each(${JSON.stringify(prefixes)}) p`)
    .crossJoin(emails)
    .where(
      and(
        gte(emails.id, sql`p.value`),
        lt(emails.id, sql`p.value || 'g'`),
        eq(emails.teamId, teamId),
        status && eq(emails.lastEvent, status),
      ),
    );
  return rows.sort((one, other) => (one.id < other.id ? 1 : -1));
}

/** What the words say: how to ask them, or who has one of those asked for where few have it, newest first. */
type Words = { match: string } | { few: string[] };

/** The words that begin as one does, and who has one of them where few have. */
interface Begun {
  words: string[];
  few?: string[];
}

/** Undefined where the words don't help: nothing is looked for in them, or too many begin so. */
async function askWords(db: Db, teamId: string, { phrases, domainId }: Wanted): Promise<Words | undefined> {
  if (phrases.length === 0 && domainId === undefined) return undefined;
  const scope = [teamId, ...(domainId ? [domainId] : [])].map((id) => `scope : "${scopeWord(id)}"`);
  const whole = phrases.flatMap(({ words, isBegun }) => (isBegun ? words.slice(0, -1) : words));
  const longestFirst = [...new Set(whole)].sort((one, other) => other.length - one.length);
  for (const word of longestFirst.slice(0, mostWholeWords)) {
    const few = await fewHaving(db, word);
    if (few) return { few };
  }
  const begunWords = new Map<string, Begun>();
  const asked: string[] = [];
  let mayAsk = true;
  for (const phrase of phrases) {
    const last = phrase.words.at(-1)!;
    const begun: Begun = phrase.isBegun
      ? (begunWords.get(last) ?? (await readBegun(db, last)))
      : { words: [last] };
    if (phrase.isBegun) begunWords.set(last, begun);
    if (begun.few) return { few: begun.few };
    if (begun.words.length > mostEnds) mayAsk = false;
    else asked.push(matchOf(phrase, begun.words));
  }
  return mayAsk ? { match: [...scope, ...asked].join(" AND ") } : undefined;
}

/** What the ids begin with of the emails that have a word, newest first; undefined where many have it. */
async function fewHaving(db: Db, word: string): Promise<string[] | undefined> {
  const rows = await db.all<[string]>(
    sql`select ${sql.raw(idPrefixSql("doc"))} from email_search_terms where term = ${word} limit ${fewTimes}`,
  );
  return isFew(rows) ? newestFirst(rows.map(([prefix]) => prefix)) : undefined;
}

/** None says nothing: the index may write a letter in another way than a search is typed, which only asking it settles. */
const isFew = (rows: readonly unknown[]) => rows.length > 0 && rows.length < fewTimes;

const newestFirst = (prefixes: string[]) => [...new Set(prefixes)].sort().reverse();

/**
 * Who has a word that begins so, or else the words, one more than may be asked for at most. To look for a word takes long
 * where it is not: in each of its parts the index then passes by all emails that have the word before. So those behind the
 * first are read on from there, and only where many emails share them is each sought, so that none is counted through.
 */
async function readBegun(db: Db, word: string): Promise<Begun> {
  const end = `${word}\u{10ffff}`;
  const read = await db.all<[term: string, prefix: string]>(
    sql`select term, ${sql.raw(idPrefixSql("doc"))} from email_search_terms
        where term >= ${word} and term < ${end} limit ${fewTimes}`,
  );
  const words = new Set(read.map(([term]) => term));
  if (isFew(read)) return { words: [...words], few: newestFirst(read.map(([, prefix]) => prefix)) };
  // Where no word begins so, the word itself is asked for.
  if (read.length === 0) return { words: [word] };
  if (words.size > mostEnds) return { words: [...words] };
  const sought = await db.all<[string]>(sql`select term from (
    with recursive t(term) as (
      select ${read.at(-1)![0]}
      union all
      select (select term from email_search_terms where term >= t.term || char(1) limit 1)
      from t where t.term < ${end}
    )
    select term from t where term < ${end} limit ${mostEnds + 1})`);
  for (const [term] of sought) words.add(term);
  return { words: [...words] };
}

function isWanted(email: ListedEmail, { phrases, status, domainId }: Wanted): boolean {
  if (status !== undefined && email.lastEvent !== status) return false;
  if (domainId !== undefined && email.domainId !== domainId) return false;
  if (phrases.length === 0) return true;
  const texts = textsOf(email);
  return phrases.every((phrase) => hasPhrase(texts, phrase));
}

/** What has an index of its own when nothing else is asked for. */
const outcomes: ReadonlySet<LastEvent> = new Set<LastEvent>([
  ...(["bounced", "complained", "failed", "suppressed", "canceled"] as const),
  ...(["delivery_delayed", "opened", "clicked"] as const),
]);
/** To the letter what the partial index says: SQLite sees only so that it has what is asked for. */
const hasOutcome = sql`${emails.lastEvent} in ('bounced', 'complained', 'failed', 'suppressed', 'canceled', 'delivery_delayed', 'opened', 'clicked')`;

function isIndexed({ phrases, domainId, status }: Wanted): boolean {
  return phrases.length === 0 && domainId === undefined && status !== undefined && outcomes.has(status);
}

function readSearch({ text = "", status, domainId, tag, from, until }: EmailSearch): Wanted {
  const trimmed = text.trim();
  // A Message-ID is often copied without its brackets.
  const named = readMessageId(trimmed.startsWith("<") ? trimmed : `<${trimmed.toLowerCase()}>`);
  const id = isId(trimmed) ? trimmed.toLowerCase() : named?.emailId;
  const phrases = [
    ...readPhrases(trimmed),
    ...(tag?.trim() ? readPhrases(`tag:"${tag.replaceAll('"', "")}"`) : []),
  ];
  return { ...(id && { id }), phrases, status: readStatus(status), domainId, from, until };
}

function readStatus(status: string | undefined): LastEvent | undefined {
  if (status === undefined || status === "") return undefined;
  const known = lastEvents.find((each) => each === status);
  if (!known) {
    throw new Refusal("invalid_parameter", `The \`status\` must be one of ${lastEvents.join(", ")}.`);
  }
  return known;
}

const places: Record<string, readonly (typeof wordColumns)[number][]> = {
  from: ["sender"],
  to: ["recipients"],
  subject: ["subject"],
  tag: ["tags"],
};
/** No search has twenty words, and each costs. */
const mostPhrases = 20;

/** `from:ada@example.com "second invoice" over` → three phrases. */
function readPhrases(text: string): Asked[] {
  const parts = text.matchAll(/(?:(from|to|subject|tag):)?(?:"([^"]*)"?|(\S+))/gi);
  return Array.from(parts, ([, place, quoted, bare]) => {
    const columns = place ? places[place.toLowerCase()]! : wordColumns;
    const said = quoted ?? bare ?? "";
    const address = columns.includes("recipients") ? parseAddress(said)?.address : undefined;
    return {
      ...{ columns, words: wordsOf(said), isBegun: quoted === undefined },
      ...(address !== undefined && { address: recipientKey(address) }),
    };
  })
    .filter(({ words }) => words.length > 0)
    .slice(0, mostPhrases);
}

function earlier(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one < other ? one : other;
}

function later(one: string | undefined, other: string): string {
  return one !== undefined && one > other ? one : other;
}
