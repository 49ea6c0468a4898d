/** Looking through a team's contacts by several things at once, so far at a time that whoever waits for a page does not wait long. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Keyset } from "../db/page.ts";
import { conditionOf, conditionOfRules } from "./condition.ts";
import type { Rules } from "./rules.ts";
import type { Contact, Segment, Subscription } from "./schema.ts";
import { searchContacts } from "./search.ts";
import { getSegment } from "./segments.ts";
import { listContacts, listMatching, listMembers, nextStretch } from "./store.ts";
import { getTopic } from "./topics.ts";

export interface ContactsWanted {
  /** The beginning of an address, a first or a last name. */
  search?: string;
  segmentId?: string;
  topic?: { id: string; subscription: Subscription };
  unsubscribed?: boolean;
}

export interface ContactSlice {
  contacts: Contact[];
  /** Where to go on, if there may be more. There may be fewer contacts than asked for, and more behind them. */
  next: string | undefined;
}

const perStretch = 2_000;
/** With what is asked of each, some milliseconds. */
const mostLookedAt = 6_000;

/** Newest first; what is searched for alone, by the alphabet. By an index where there is one, else by looking at so many. */
export async function filterContacts(
  app: App,
  teamId: string,
  { search, segmentId, topic, unsubscribed }: ContactsWanted,
  page: Keyset & { limit: number },
): Promise<ContactSlice> {
  const segment = segmentId === undefined ? undefined : await getSegment(app, teamId, segmentId);
  const isNarrowed = topic !== undefined || unsubscribed !== undefined;
  if (!isNarrowed) {
    if (search !== undefined && !segment)
      return sliceOf(await searchContacts(app, teamId, search, page), page);
    if (search === undefined && !segment) return sliceOf(await listContacts(app.db, teamId, page), page);
    if (search === undefined && segment && !segment.rules) {
      return sliceOf(await listMembers(app.db, teamId, segment.id, page), page);
    }
  }
  if (topic) await getTopic(app, teamId, topic.id);
  const conditions = [
    ...(segment ? [conditionOf(segment, app.now())] : []),
    ...rulesOf({ search, topic, unsubscribed }).map((rules) => conditionOfRules(rules, app.now())),
  ];
  return lookThrough(app, teamId, sql`(${sql.join(conditions, sql` and `)})`, page);
}

function rulesOf({ search, topic, unsubscribed }: Omit<ContactsWanted, "segmentId">): Rules[] {
  const begins = (field: string) => ({ field, operator: "starts_with" as const, value: search ?? "" });
  return [
    ...(search === undefined
      ? []
      : [{ any: [begins("email"), begins("first_name"), begins("last_name")] } satisfies Rules]),
    ...(topic ? [{ all: [{ topic_id: topic.id, subscription: topic.subscription }] } satisfies Rules] : []),
    ...(unsubscribed === undefined
      ? []
      : [
          {
            all: [{ field: "unsubscribed", operator: "equals" as const, value: unsubscribed }],
          } satisfies Rules,
        ]),
  ];
}

/** The contacts of a segment in the same way: a dynamic one may hold few of a million. */
export const sliceOfSegment = (
  app: App,
  segment: Segment,
  page: Keyset & { limit: number },
): Promise<ContactSlice> => filterContacts(app, segment.teamId, { segmentId: segment.id }, page);

async function lookThrough(
  app: App,
  teamId: string,
  condition: SQL,
  { limit, after }: Keyset & { limit: number },
): Promise<ContactSlice> {
  const contacts: Contact[] = [];
  let beyond = after;
  for (let lookedAt = 0; lookedAt < mostLookedAt; lookedAt += perStretch) {
    const stretch = await nextStretch(app.db, teamId, beyond, perStretch, "down");
    if (!stretch) return { contacts, next: undefined };
    const wanted = { limit: limit - contacts.length, direction: "down" } as const;
    contacts.push(...(await listMatching(app.db, teamId, stretch, condition, wanted)));
    if (contacts.length >= limit) return { contacts, next: contacts.at(-1)!.id };
    beyond = stretch.from;
    await setImmediate(); // other work gets its turn
  }
  return { contacts, next: beyond };
}

function sliceOf(rows: Contact[], { limit }: { limit: number }): ContactSlice {
  if (rows.length <= limit) return { contacts: rows, next: undefined };
  const contacts = rows.slice(0, limit);
  return { contacts, next: contacts.at(-1)!.id };
}
