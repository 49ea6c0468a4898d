import { and, eq } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { countUpTo, type Keyset, newestFirst, pageOf } from "../db/page.ts";
import { rawWrite, type Write } from "../db/write.ts";
import type { Subscription } from "./names.ts";
import { type Webhook, webhookSubscriptions, webhooks } from "./schema.ts";

export const insertWebhook = (db: Db, row: Webhook): Write => db.insert(webhooks).values(row);

export async function findWebhook(db: Db, teamId: string, id: string): Promise<Webhook | undefined> {
  return db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), eq(webhooks.teamId, teamId)))
    .get();
}

/** Whoever's it is: for work that is under way, not for a request. */
export async function findAnyWebhook(db: Db, id: string): Promise<Webhook | undefined> {
  return db.select().from(webhooks).where(eq(webhooks.id, id)).get();
}

/** One page and one row more, newest first. */
export async function listWebhooks(db: Db, teamId: string, page: Keyset): Promise<Webhook[]> {
  const { where, orderBy, limit } = pageOf(webhooks.id, eq(webhooks.teamId, teamId), page);
  return newestFirst(await db.select().from(webhooks).where(where).orderBy(orderBy).limit(limit), page);
}

export type WebhookFields = Partial<Omit<Webhook, "id" | "teamId" | "createdAt">>;

/** Changes an endpoint, if it still hears of what it heard of when it was read: its subscriptions are made of that. */
export const updateWebhook = (
  db: Db,
  { id, teamId, events }: Pick<Webhook, "id" | "teamId" | "events">,
  fields: WebhookFields,
): Write =>
  db
    .update(webhooks)
    .set(fields)
    .where(and(eq(webhooks.id, id), eq(webhooks.teamId, teamId), eq(webhooks.events, events)));

/** Gives an endpoint another secret, if its secret is still the one that was read. */
export const replaceSecret = (
  db: Db,
  { id, teamId, sealedSecret }: Pick<Webhook, "id" | "teamId" | "sealedSecret">,
  fields: Pick<Webhook, "sealedSecret" | "sealedOldSecret" | "oldSecretUntil">,
): Write =>
  db
    .update(webhooks)
    .set(fields)
    .where(and(eq(webhooks.id, id), eq(webhooks.teamId, teamId), eq(webhooks.sealedSecret, sealedSecret)));

export const deleteWebhook = (db: Db, teamId: string, id: string): Write =>
  db.delete(webhooks).where(and(eq(webhooks.id, id), eq(webhooks.teamId, teamId)));

/** What an endpoint hears of from now on; nothing when there are none, and nothing while it is disabled. */
export const replaceSubscriptions = (db: Db, webhookId: string, subscriptions: Subscription[]): Write[] => [
  deleteSubscriptions(db, webhookId),
  ...subscriptions.map(({ type, name }) =>
    rawWrite(
      `insert into webhook_subscriptions (team_id, type, webhook_id, name)
       select team_id, ?2, id, ?3 from webhooks where id = ?1 and status = 'enabled'`,
      [webhookId, type, name],
    ),
  ),
];

export const deleteSubscriptions = (db: Db, webhookId: string): Write =>
  db.delete(webhookSubscriptions).where(eq(webhookSubscriptions.webhookId, webhookId));

/** A day without a failure is a day in which nothing failed: whatever was before then no longer counts. */
const memoryMs = 24 * 3_600_000;

/** Notes a failed call; the first of a row of them says since when. */
export const noteFailure = (id: string, now: Date): Write =>
  rawWrite(
    `update webhooks set
       failing_since = iif(failing_since is null or last_failure_at < ?2 - ${memoryMs}, ?2, failing_since),
       last_failure_at = ?2
     where id = ?1`,
    [id, now.getTime()],
  );

/** Since when calls have failed without a day between them. */
export function failingSinceAt({ failingSince, lastFailureAt }: Webhook, now: Date): Date | undefined {
  if (!failingSince || !lastFailureAt) return undefined;
  return now.getTime() - lastFailureAt.getTime() > memoryMs ? undefined : failingSince;
}

export const forgetFailures = (db: Db, id: string): Write =>
  db.update(webhooks).set({ failingSince: null }).where(eq(webhooks.id, id));

/** Disables an endpoint that has gone on failing, if nobody has changed that meanwhile. */
export const disableFailing = (id: string, since: Date, reason: string): Write =>
  rawWrite(
    `update webhooks set status = 'disabled', disabled_reason = ?3
     where id = ?1 and status = 'enabled' and failing_since <= ?2`,
    [id, since.getTime(), reason],
  );

/** The event of that, for `recordSelected`; to come before it. The list is one object. */
export const disabledEvent = `
  select json_extract(?1, '$.eventId') as id, null as recipient, json_object(
    'webhook_id', w.id, 'endpoint', w.endpoint, 'reason', json_extract(?1, '$.reason')) as data
  from webhooks w
  where w.id = json_extract(?1, '$.id') and w.team_id = ?2 and w.status = 'enabled'
    and w.failing_since <= json_extract(?1, '$.since')`;

/** To follow `disableFailing`, which may have found the endpoint changed meanwhile. */
export const endSubscriptionsIfDisabled = (webhookId: string): Write =>
  rawWrite(
    `delete from webhook_subscriptions where webhook_id = ?1
       and exists (select 1 from webhooks where id = ?1 and status = 'disabled')`,
    [webhookId],
  );

/** How many a team has, or `most` where it has more. */
export const countWebhooks = (db: Db, teamId: string, most: number): Promise<number> =>
  countUpTo(db, webhooks.id, eq(webhooks.teamId, teamId), most);
