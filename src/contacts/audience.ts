/** Who is in a segment: looked up for a static one, and for a dynamic one found stretch by stretch. */
import { setImmediate } from "node:timers/promises";
import type { SQL } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { conditionOf, conditionOfRules } from "./condition.ts";
import type { Rules } from "./rules.ts";
import type { Contact, Segment } from "./schema.ts";
import { countMatching, listMatching, listMembers, nextStretch } from "./store.ts";

/** Looked at by one statement: some milliseconds, in which no other request is answered. */
const contactsPerStretch = 5_000;

/** One page of a segment's contacts and one more, newest first. */
export async function pageOfSegment(app: App, segment: Segment, page: Keyset): Promise<Contact[]> {
  if (!segment.rules) return listMembers(app.db, segment.teamId, segment.id, page);
  return pageOfCondition(app, segment.teamId, conditionOf(segment, app.now()), page);
}

async function pageOfCondition(
  app: App,
  teamId: string,
  condition: SQL,
  { limit, after, before }: Keyset,
): Promise<Contact[]> {
  const wanted = limit === undefined ? Number.MAX_SAFE_INTEGER : limit + 1;
  const direction = before === undefined ? "down" : "up";
  const found: Contact[] = [];
  for (let beyond = before ?? after; found.length < wanted; ) {
    const stretch = await nextStretch(app.db, teamId, beyond, contactsPerStretch, direction);
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

/** Whom rules would hold. */
export async function previewRules(app: App, teamId: string, rules: Rules): Promise<Preview> {
  const condition = conditionOfRules(rules, app.now());
  const [contacts, count] = await Promise.all([
    pageOfCondition(app, teamId, condition, { limit: previewed }),
    countCondition(app, teamId, condition),
  ]);
  return { count, contacts: contacts.slice(0, previewed) };
}

/** How many contacts a segment has: of a static one that is known. */
export async function countSegment(app: App, segment: Segment): Promise<number> {
  if (!segment.rules) return segment.members;
  return countCondition(app, segment.teamId, conditionOf(segment, app.now()));
}

async function countCondition(app: App, teamId: string, condition: SQL): Promise<number> {
  let count = 0;
  for (let beyond: string | undefined; ; ) {
    const stretch = await nextStretch(app.db, teamId, beyond, contactsPerStretch);
    if (!stretch) return count;
    count += await countMatching(app.db, teamId, stretch, condition);
    beyond = stretch.to;
    await setImmediate();
  }
}
