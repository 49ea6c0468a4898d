import { and, asc, desc, eq, getTableColumns, gt, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import type { Db } from "../db/open.ts";
import { getEmail } from "../emails/read.ts";
import { type Delivery, deliveries, type Email } from "../emails/schema.ts";
import { Refusal } from "../errors.ts";
import { type JobRow, jobs, type Lane, lanes } from "../jobs/schema.ts";
import { type Explanation, explain } from "./explain.ts";
import { shortLane } from "./queue-filter.ts";
import { findSendingPause } from "./queue-switches.ts";
import { type Attempt, attempts } from "./schema.ts";

/** A delivery with its history and what it waits for. */
export interface ExplainedDelivery extends Explanation {
  delivery: Delivery;
  /** Where it waits; null once it has ended. */
  lane: string | null;
  /** The newest first. */
  history: Attempt[];
}

const longestHistory = 50;

/** Which deliveries of an email, in the order they were made. */
export interface DeliverySlice {
  /** One alone, by its id. */
  only?: string;
  after?: string;
  /** One more is given where there are more. */
  limit?: number;
}

/** Every delivery of an email; refuses an email that is not the team's, and one that is a broadcast. */
export async function getDeliveries(app: App, teamId: string, emailId: string): Promise<ExplainedDelivery[]> {
  const email = await getEmail(app, teamId, emailId);
  return explainDeliveries(app, email);
}

/** The deliveries of an email that its reader has already, or some of them. */
export async function explainDeliveries(
  app: App,
  email: Pick<Email, "id" | "teamId" | "broadcastId" | "scheduledAt">,
  slice: DeliverySlice = {},
): Promise<ExplainedDelivery[]> {
  if (email.broadcastId !== null) {
    const recipients = `GET /broadcasts/${email.broadcastId}/recipients`;
    throw new Refusal(
      "validation_error",
      `This email is a broadcast, and may have a million deliveries: list them with \`${recipients}\`, and look at one with \`${recipients}/{id}\`.`,
    );
  }
  return explainSlice(app, email, slice);
}

/** Those of a slice, of whatever email. */
export async function explainSlice(
  app: App,
  email: Pick<Email, "id" | "teamId" | "scheduledAt">,
  slice: DeliverySlice,
  broadcast?: Pick<Broadcast, "ratePerMinute">,
): Promise<ExplainedDelivery[]> {
  const [rows, histories, pause] = await Promise.all([
    listPlaces(app.db, email, slice),
    listAttempts(app.db, email.id, slice),
    findSendingPause(app),
  ]);
  const now = app.now();
  const giveUpAfterMs = app.config.smtpOutbound.giveUpAfter;
  return rows.map(({ delivery, job, lane }) => ({
    delivery,
    lane: job && shortLane(job.lane),
    history: histories.get(delivery.id) ?? [],
    ...explain({ delivery, scheduledAt: email.scheduledAt, broadcast, job, lane, pause, giveUpAfterMs, now }),
  }));
}

interface Place {
  delivery: Delivery;
  job: Pick<JobRow, "lane" | "node" | "runAt" | "lastError"> | null;
  lane: Lane | null;
}

/** In one statement: read one after the other, a delivery could be seen waiting without its job. */
async function listPlaces(
  db: Db,
  { id: emailId, teamId }: Pick<Email, "id" | "teamId">,
  { only, after = "", limit }: DeliverySlice,
): Promise<Place[]> {
  const { lane, node, runAt, lastError } = getTableColumns(jobs);
  return db
    .select({ delivery: deliveries, job: { lane, node, runAt, lastError }, lane: lanes })
    .from(deliveries)
    .leftJoin(jobs, eq(jobs.id, deliveries.id))
    .leftJoin(lanes, eq(lanes.lane, jobs.lane))
    .where(
      and(
        eq(deliveries.emailId, emailId),
        eq(deliveries.teamId, teamId),
        only === undefined ? gt(deliveries.id, after) : eq(deliveries.id, only),
      ),
    )
    .orderBy(asc(deliveries.id))
    .limit(limit === undefined ? -1 : limit + 1);
}

async function listAttempts(
  db: Db,
  emailId: string,
  { only, after = "", limit }: DeliverySlice,
): Promise<Map<string, Attempt[]>> {
  const asked = sql`select id from deliveries
    where email_id = ${emailId} and ${only === undefined ? sql`id > ${after}` : sql`id = ${only}`}
    order by id limit ${limit === undefined ? -1 : limit + 1}`;
  const newest = sql`(${attempts.deliveryId}, ${attempts.number}, ${attempts.position}) in (
    select delivery_id, number, position from (
      select a.delivery_id, a.number, a.position,
             row_number() over (partition by a.delivery_id order by a.number desc, a.position desc) as nth
      from (${asked}) d join attempts a on a.delivery_id = d.id)
    where nth <= ${longestHistory})`;
  const rows = await db
    .select()
    .from(attempts)
    .where(newest)
    .orderBy(desc(attempts.number), desc(attempts.position));
  return Map.groupBy(rows, ({ deliveryId }) => deliveryId);
}
