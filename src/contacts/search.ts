/** Looking for contacts by the beginning of an address or a name: three stretches of three indexes, one after the other. */
import { type SQL, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import type { Keyset } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { recipientKey } from "../mail/address.ts";
import { type Contact, contacts } from "./schema.ts";
import { findContact } from "./store.ts";

interface Place {
  column: SQL;
  /** How what is searched for is written to be found there. */
  fold(text: string): string;
  of(contact: Contact): string | null;
}

/** In this order; whom one has found, the next leaves out. */
const places: Place[] = [
  { column: sql`${contacts.email}`, fold: recipientKey, of: ({ email }) => email },
  { column: sql`${contacts.firstName} collate nocase`, fold: foldAscii, of: ({ firstName }) => firstName },
  { column: sql`${contacts.lastName} collate nocase`, fold: foldAscii, of: ({ lastName }) => lastName },
];

const aboveAllText = "\u{10ffff}";
const longestSearch = 254;

/** One page and one more, by address, then by first and by last name. */
export async function searchContacts(
  app: App,
  teamId: string,
  text: string,
  { limit, after, before }: Keyset,
): Promise<Contact[]> {
  const wanted = text.trim().normalize("NFC");
  if (wanted === "" || wanted.length > longestSearch) {
    throw new Refusal(
      "validation_error",
      `Invalid \`search\` field. It must be the beginning of an address or a name, ${longestSearch} characters at most.`,
    );
  }
  const cursor = before ?? after;
  const from = cursor === undefined ? undefined : await findContact(app.db, teamId, cursor);
  if (cursor !== undefined && !from) return [];
  const isBack = before !== undefined;
  const start = from ? places.findIndex((place) => begins(place, from, wanted)) : 0;
  if (start === -1) return [];
  const most = limit === undefined ? -1 : limit + 1;

  const found: Contact[] = [];
  for (let at = start; at >= 0 && at < places.length; at += isBack ? -1 : 1) {
    if (most !== -1 && found.length === most) break;
    const beyond = at === start ? from : undefined;
    const left = most === -1 ? -1 : most - found.length;
    found.push(...(await listPlace(app.db, teamId, at, wanted, { beyond, isBack, limit: left })));
  }
  return isBack ? found.reverse() : found;
}

function begins({ of, fold }: Place, contact: Contact, wanted: string): boolean {
  const value = of(contact);
  return value !== null && fold(value).startsWith(fold(wanted));
}

/** As `nocase` has it: letters beyond ASCII are told apart by case. */
function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

async function listPlace(
  db: Db,
  teamId: string,
  at: number,
  text: string,
  { beyond, isBack, limit }: { beyond: Contact | undefined; isBack: boolean; limit: number },
): Promise<Contact[]> {
  const { column, of, fold } = places[at]!;
  const wanted = fold(text);
  const end = wanted + aboveAllText;
  const others = places.slice(0, at).map((place) => {
    const begun = place.fold(text);
    return sql`not ifnull(${place.column} >= ${begun} and ${place.column} < ${begun + aboveAllText}, 0)`;
  });
  const past =
    beyond && sql`(${column}, ${contacts.id}) ${isBack ? sql`<` : sql`>`} (${of(beyond)}, ${beyond.id})`;
  const conditions = [
    sql`${contacts.teamId} = ${teamId} and ${column} >= ${wanted} and ${column} < ${end}`,
    ...(past ? [past] : []),
    ...others,
  ];
  const order = isBack ? sql`${column} desc, ${contacts.id} desc` : sql`${column}, ${contacts.id}`;
  return db.select().from(contacts).where(sql.join(conditions, sql` and `)).orderBy(order).limit(limit);
}
