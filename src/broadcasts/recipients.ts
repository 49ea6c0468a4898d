/** Who of a broadcast's recipients got it, and what they did with it. */
import { setImmediate } from "node:timers/promises";
import { type SQL, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { type Keyset, newestFirst } from "../db/page.ts";
import type { DeliveryState } from "../emails/schema.ts";
import { isOutcome, type outcomeTypes } from "../events/schema.ts";
import { recipientKey } from "../mail/address.ts";
import { getBroadcast } from "./read.ts";

export const recipientTypes = [
  "all",
  "sent",
  "delivered",
  "opened",
  "clicked",
  "bounced",
  "complained",
  "unsubscribed",
  "suppressed",
] as const;
export type RecipientType = (typeof recipientTypes)[number];

export const bounceTypes = ["permanent", "transient", "undetermined"] as const;
export type BounceType = (typeof bounceTypes)[number];

export interface RecipientFilter {
  type: RecipientType;
  email?: string;
  bounceType?: BounceType;
}

export interface Recipient {
  /** The delivery; a cursor. */
  id: string;
  contactId: string | null;
  email: string;
  /** Where their delivery is now. */
  state: DeliveryState;
  /** What their host said last, or in our words why none did. */
  lastReply: string | null;
  /** Opens or clicks by people. */
  count?: number;
  clickedLinks?: { url: string; clicks: number }[];
  bounceType?: BounceType;
}

/** One page of those that something happened to, and one more, the newest delivery first. */
export async function getRecipients(
  app: App,
  teamId: string,
  broadcastId: string,
  filter: RecipientFilter,
  keyset: Keyset,
): Promise<Recipient[]> {
  const { emailId } = await getBroadcast(app, teamId, broadcastId);
  if (emailId === null) return [];
  const rows =
    filter.type === "all" || filter.type === "sent" || filter.type === "delivered"
      ? await listByState(app.db, emailId, filter, filter.type, keyset)
      : await listByOutcome(app.db, emailId, filter, filter.type, keyset);
  return newestFirst(rows, keyset);
}

/** The page's condition and order on one column, as `pageOf` has them. */
function pageOn(column: SQL, { limit, after, before }: Keyset) {
  return {
    condition: sql`${after ? sql`and ${column} < ${after}` : sql``} ${before ? sql`and ${column} > ${before}` : sql``}`,
    order: before ? column : sql`${column} desc`,
    limit: limit === undefined ? -1 : limit + 1,
  };
}

const ofAddress = (email: string | undefined) =>
  email === undefined
    ? sql``
    : sql`and d.recipient = ${recipientKey(email.trim())} and d.contact_id is not null`;

/** Looked at by one statement: when a broadcast has just begun, nearly all of its deliveries are still waiting. */
const deliveriesAtOnce = 5_000;

// What was handed to a host counts as sent, whatever the host made of it.
const inStates = {
  all: sql``,
  delivered: sql`and d.state = 'delivered'`,
  sent: sql`and d.state in ('delivered', 'deferred', 'bounced', 'failed')`,
} satisfies Partial<Record<RecipientType, SQL>>;

/** What most recipients come to: the deliveries are walked, and in the end nearly each is one. */
async function listByState(
  db: Db,
  emailId: string,
  { email }: RecipientFilter,
  type: keyof typeof inStates,
  { limit, after, before }: Keyset,
): Promise<Recipient[]> {
  const ofType = inStates[type];
  const isUp = before !== undefined;
  const wanted = limit === undefined ? Number.MAX_SAFE_INTEGER : limit + 1;
  const found: Recipient[] = [];
  for (let beyond = before ?? after; found.length < wanted; ) {
    // An address is looked up.
    const end = email === undefined ? await endOfSlice(db, emailId, beyond, isUp) : undefined;
    const upTo = end === undefined ? sql`` : isUp ? sql`and d.id <= ${end}` : sql`and d.id >= ${end}`;
    const rows = await db.values<[string, string | null, string, DeliveryState, string | null]>(
      sql`select d.id, d.contact_id, d.recipient, d.state, d.last_reply from deliveries d
          where d.email_id = ${emailId} ${ofType} ${ofAddress(email)}
            ${beyondId(sql`d.id`, beyond, isUp)} ${upTo}
          order by d.id ${isUp ? sql`` : sql`desc`} limit ${wanted - found.length}`,
    );
    for (const [id, contactId, address, state, lastReply] of rows) {
      found.push({ id, contactId, email: address, state, lastReply });
    }
    if (end === undefined) break;
    beyond = end;
    await setImmediate();
  }
  return found;
}

const beyondId = (column: SQL, id: string | undefined, isUp: boolean) =>
  id === undefined ? sql`` : isUp ? sql`and ${column} > ${id}` : sql`and ${column} < ${id}`;

/** The last delivery of so many behind one of them; undefined where fewer are left. */
async function endOfSlice(
  db: Db,
  emailId: string,
  beyond: string | undefined,
  isUp: boolean,
): Promise<string | undefined> {
  const [row] = await db.values<[string]>(
    sql`select id from deliveries where email_id = ${emailId} ${beyondId(sql`id`, beyond, isUp)}
        order by id ${isUp ? sql`` : sql`desc`} limit 1 offset ${deliveriesAtOnce - 1}`,
  );
  return row?.[0];
}

/** No id where the address is no recipient's. */
async function findByAddress(db: Db, emailId: string, email: string): Promise<string> {
  const [row] = await db.values<[string]>(
    sql`select d.id from deliveries d where d.email_id = ${emailId} ${ofAddress(email)}`,
  );
  return row?.[0] ?? "";
}

type Outcome = (typeof outcomeTypes)[number];

/** What few come to: the events of the one type are walked, recipient by recipient. */
async function listByOutcome(
  db: Db,
  emailId: string,
  { email, bounceType }: RecipientFilter,
  type: Exclude<RecipientType, keyof typeof inStates>,
  keyset: Keyset,
): Promise<Recipient[]> {
  const { condition, order, limit } = pageOn(sql`e.delivery_id`, keyset);
  // Looked up, so that the events of all others need not be walked for the one.
  const whose =
    email === undefined ? sql`` : sql`and e.delivery_id = ${await findByAddress(db, emailId, email)}`;
  const only =
    bounceType === undefined ? sql`` : sql`and lower(json_extract(e.data, '$.bounce.type')) = ${bounceType}`;
  // A machine that opens or clicks is no recipient.
  const rows = await db.values<[string, string | null, string, number, string, DeliveryState, string | null]>(
    sql`select e.delivery_id, d.contact_id, d.recipient, count(*), max(e.data), d.state, d.last_reply
        from events e cross join deliveries d on d.id = e.delivery_id
        where e.email_id = ${emailId} and e.type = ${`email.${type}` satisfies Outcome} and ${sql.raw(`e.${isOutcome}`)}
          and json_extract(e.data, '$.is_bot') is not 1 ${only} ${whose} ${condition}
        group by e.delivery_id order by ${order} limit ${limit}`,
  );
  const links =
    type === "clicked"
      ? await listClicks(
          db,
          emailId,
          rows.map(([id]) => id),
        )
      : undefined;
  return rows.map(([id, contactId, address, count, data, state, lastReply]) => ({
    ...{ id, contactId, email: address, state, lastReply },
    ...((type === "opened" || type === "clicked") && { count }),
    ...(links && { clickedLinks: links.get(id) ?? [] }),
    ...(type === "bounced" && { bounceType: bounceTypeOf(data) }),
  }));
}

function bounceTypeOf(data: string): BounceType {
  const { bounce } = JSON.parse(data) as { bounce?: { type?: string } };
  const type = bounce?.type?.toLowerCase();
  return bounceTypes.find((each) => each === type) ?? "undetermined";
}

/** Which links the recipients of one page have followed. */
async function listClicks(
  db: Db,
  emailId: string,
  deliveryIds: string[],
): Promise<Map<string, { url: string; clicks: number }[]>> {
  const rows = await db.values<[string, string]>(
    sql`select e.delivery_id, json_extract(e.data, '$.click.link')
        from json_each(${JSON.stringify(deliveryIds)}) wanted cross join events e
          on e.email_id = ${emailId} and e.type = 'email.clicked' and ${sql.raw(`e.${isOutcome}`)} and e.delivery_id = wanted.value
        where json_extract(e.data, '$.is_bot') is not 1`,
  );
  const clicks = new Map<string, Map<string, number>>();
  for (const [id, url] of rows) {
    const ofDelivery = clicks.get(id) ?? new Map<string, number>();
    clicks.set(id, ofDelivery.set(url, (ofDelivery.get(url) ?? 0) + 1));
  }
  return new Map(
    [...clicks].map(([id, urls]) => [id, Array.from(urls, ([url, count]) => ({ url, clicks: count }))]),
  );
}

export interface ClickedLink {
  /** A cursor. */
  id: string;
  url: string;
  clicks: number;
  uniqueClicks: number;
}

/** Links are few, clicks are many: read a slice at a time. */
const clicksPerSlice = 2_000;

/** The links of a broadcast that people have followed, by their ids. */
export async function getClickedLinks(
  app: App,
  teamId: string,
  broadcastId: string,
  { limit, after, before }: Keyset,
): Promise<ClickedLink[]> {
  const { emailId } = await getBroadcast(app, teamId, broadcastId);
  if (emailId === null) return [];
  const found = await countClicks(app.db, emailId);
  const links = found.toSorted((a, b) => (a.id < b.id ? 1 : -1));
  const between = links.filter(({ id }) => (!after || id < after) && (!before || id > before));
  const most = limit === undefined ? between.length : limit + 1;
  return before ? between.slice(-most) : between.slice(0, most);
}

async function countClicks(db: Db, emailId: string): Promise<ClickedLink[]> {
  const links = new Map<string, ClickedLink>();
  const urls = new Map<string, string>();
  for (const [id, url] of await db.values<[string, string]>(
    sql`select l.id, l.url from emails e join links l on l.content_id = e.content_id where e.id = ${emailId}`,
  )) {
    urls.set(url, id);
  }
  let [lastDelivery, lastEvent] = ["", ""];
  const seen = new Set<string>();
  for (;;) {
    const rows = await db.values<[string, string, string]>(
      sql`select delivery_id, id, json_extract(data, '$.click.link') from events
          where email_id = ${emailId} and type = 'email.clicked' and ${sql.raw(isOutcome)}
            and (delivery_id, id) > (${lastDelivery}, ${lastEvent})
            and json_extract(data, '$.is_bot') is not 1
          order by delivery_id, id limit ${clicksPerSlice}`,
    );
    for (const [deliveryId, id, url] of rows) {
      if (deliveryId !== lastDelivery) seen.clear();
      [lastDelivery, lastEvent] = [deliveryId, id];
      const link = links.get(url) ?? { id: urls.get(url) ?? url, url, clicks: 0, uniqueClicks: 0 };
      link.clicks++;
      if (!seen.has(url)) link.uniqueClicks++;
      seen.add(url);
      links.set(url, link);
    }
    if (rows.length < clicksPerSlice) return [...links.values()];
    await setImmediate();
  }
}
