import { and, desc, eq, notInArray } from "drizzle-orm";
import type { App } from "../app.ts";
import { type Found, searchText } from "../db/look-through.ts";
import type { Keyset, Numbers, Place } from "../db/page.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { type Broadcast, type BroadcastStatus, broadcasts } from "./schema.ts";
import {
  countOutcomes,
  findBroadcast,
  findBroadcastPlace,
  findListedBroadcast,
  type ListedBroadcast,
  listBroadcasts,
  searchBroadcasts,
} from "./store.ts";

/** Another team's broadcast is as absent as one that never was. */
export async function getBroadcast(app: App, teamId: string, id: string): Promise<Broadcast> {
  const broadcast = isId(id) ? await findBroadcast(app.db, teamId, id.toLowerCase()) : undefined;
  if (!broadcast) throw new Refusal("not_found", "Broadcast not found");
  return broadcast;
}

/** The same without what it says, for whoever looks often. */
export async function getListedBroadcast(app: App, teamId: string, id: string): Promise<ListedBroadcast> {
  const broadcast = isId(id) ? await findListedBroadcast(app.db, teamId, id.toLowerCase()) : undefined;
  if (!broadcast) throw new Refusal("not_found", "Broadcast not found");
  return broadcast;
}

export interface BroadcastFilter {
  statuses?: readonly BroadcastStatus[];
  /** A part of name or subject. */
  search?: string;
}

const wantedBy = ({ statuses, search }: BroadcastFilter) => ({ statuses, text: searchText(search) });

/** One page and one more, newest first; a search is among the newest 10,000. */
export async function getBroadcasts(
  app: App,
  teamId: string,
  keyset: Keyset,
  filter: BroadcastFilter = {},
): Promise<ListedBroadcast[]> {
  return listBroadcasts(app.db, teamId, wantedBy(filter), keyset);
}

export const findBroadcastsPlace = (
  app: App,
  teamId: string,
  numbers: Numbers,
  filter: BroadcastFilter,
): Promise<Place> => findBroadcastPlace(app.db, teamId, wantedBy(filter), numbers);

/** The same without an end: as far as one look goes, and where to look on. */
export const findBroadcastsBy = (
  app: App,
  teamId: string,
  filter: BroadcastFilter,
  page: Keyset & { limit: number },
): Promise<Found<ListedBroadcast>> => searchBroadcasts(app.db, teamId, wantedBy(filter), page);

/** The newest broadcasts of a team to a segment, or about a topic, that have not come to their end. */
export const getBroadcastsUsing = (
  app: App,
  teamId: string,
  used: { segmentId: string } | { topicId: string },
  limit: number,
): Promise<Pick<Broadcast, "id" | "name" | "status">[]> =>
  app.db
    .select({ id: broadcasts.id, name: broadcasts.name, status: broadcasts.status })
    .from(broadcasts)
    .where(
      and(
        eq(broadcasts.teamId, teamId),
        notInArray(broadcasts.status, ["sent", "canceled"]),
        "segmentId" in used ? eq(broadcasts.segmentId, used.segmentId) : eq(broadcasts.topicId, used.topicId),
      ),
    )
    .orderBy(desc(broadcasts.id))
    .limit(limit);

/** How far a broadcast is, in recipients. */
export interface Progress {
  /** Whom it goes to, those with a suppressed address among them. */
  recipients: number;
  delivered: number;
  bounced: number;
  failed: number;
  suppressed: number;
  /** Whom it had not been sent to when it was canceled. */
  canceled: number;
  complained: number;
  unsubscribed: number;
  opened: number;
  clicked: number;
  /** Contacts that had unsubscribed, or were not in its topic, when it began: they are no recipients. */
  skippedUnsubscribed: number;
}

/** By counters that are kept as things happen: nothing is counted here. */
export async function getProgress(
  app: App,
  broadcast: Pick<Broadcast, "recipients" | "skippedUnsubscribed" | "emailId">,
): Promise<Progress> {
  const { recipients, skippedUnsubscribed, emailId } = broadcast;
  const totals = emailId === null ? new Map<string, number>() : await countOutcomes(app.db, emailId);
  const count = (event: string) => totals.get(`email.${event}`) ?? 0;
  return {
    recipients,
    // A bounce that was reported later is of something that had counted as delivered.
    delivered: count("delivered") - count("bounced_late"),
    bounced: count("bounced"),
    failed: count("failed"),
    suppressed: count("suppressed"),
    canceled: count("canceled"),
    complained: count("complained"),
    unsubscribed: count("unsubscribed"),
    opened: count("unique_opened"),
    clicked: count("unique_clicked"),
    skippedUnsubscribed,
  };
}
