/** Who is in a segment: looked up for a static one, and for a dynamic one found stretch by stretch. */
import { setImmediate } from "node:timers/promises";
import type { SQL } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { conditionOf, conditionOfRules } from "./condition.ts";
import { countRules, type Rules } from "./rules.ts";
import type { Contact, Segment } from "./schema.ts";
import { countMatching, listMatching, listMembers, nextStretch } from "./store.ts";

/** Looked at by one statement: some milliseconds, in which no other request is answered. */
const rulesPerStretch = 5_000;
const fewestPerStretch = 100;

/** How many contacts one statement asks whether rules hold for: fewer where the rules are many. */
export const contactsPerStretch = (rules: Rules): number =>
  Math.max(fewestPerStretch, Math.floor(rulesPerStretch / countRules(rules)));

/** What is looked for among a team's contacts, and among how many of them at once. */
interface Search {
  teamId: string;
  condition: SQL;
  perStretch: number;
}

/** One page of a segment's contacts and one more, newest first. */
export async function pageOfSegment(app: App, segment: Segment, page: Keyset): Promise<Contact[]> {
  const { teamId, rules } = segment;
  if (!rules) return listMembers(app.db, teamId, segment.id, page);
  return pageOfSearch(app, searchOf(app, segment, rules), page);
}

const searchOf = (app: App, segment: Segment, rules: Rules): Search => ({
  teamId: segment.teamId,
  condition: conditionOf(segment, app.now()),
  perStretch: contactsPerStretch(rules),
});

async function pageOfSearch(
  app: App,
  { teamId, condition, perStretch }: Search,
  { limit, after, before }: Keyset,
): Promise<Contact[]> {
  const wanted = limit === undefined ? Number.MAX_SAFE_INTEGER : limit + 1;
  const direction = before === undefined ? "down" : "up";
  const found: Contact[] = [];
  for (let beyond = before ?? after; found.length < wanted; ) {
    const stretch = await nextStretch(app.db, teamId, beyond, perStretch, direction);
    if (!stretch) break;
    const page = { limit: wanted - found.length, direction } as const;
    found.push(...(await listMatching(app.db, teamId, stretch, condition, page)));
    beyond = direction === "down" ? stretch.from : stretch.to;
    await setImmediate();
  }
  return direction === "down" ? found : found.reverse();
}

export interface Preview {
  count: number;
  /** The newest of them. */
  contacts: Contact[];
}

const previewed = 10;

/** Whom rules would hold. Whoever no longer waits for it ends it by the signal, and gets what has been counted so far. */
export async function previewRules(
  app: App,
  teamId: string,
  rules: Rules,
  signal?: AbortSignal,
): Promise<Preview> {
  const condition = conditionOfRules(rules, app.now());
  const search: Search = { teamId, condition, perStretch: contactsPerStretch(rules) };
  const [contacts, count] = await Promise.all([
    pageOfSearch(app, search, { limit: previewed }),
    countFound(app, search, signal),
  ]);
  return { count, contacts: contacts.slice(0, previewed) };
}

/** How many contacts a segment has: of a static one that is known. */
export async function countSegment(app: App, segment: Segment): Promise<number> {
  const { rules, members } = segment;
  return rules ? countFound(app, searchOf(app, segment, rules)) : members;
}

async function countFound(
  app: App,
  { teamId, condition, perStretch }: Search,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let beyond: string | undefined; ; ) {
    const stretch = await nextStretch(app.db, teamId, beyond, perStretch);
    if (!stretch || signal?.aborted) return count;
    count += await countMatching(app.db, teamId, stretch, condition);
    beyond = stretch.to;
    await setImmediate();
  }
}
