import { and, asc, desc, eq, getTableColumns, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { getEmail } from "../emails/read.ts";
import { type Delivery, deliveries } from "../emails/schema.ts";
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

/** Every delivery of an email; refuses an email that is not the team's, and one that is a broadcast. */
export async function getDeliveries(app: App, teamId: string, emailId: string): Promise<ExplainedDelivery[]> {
  const email = await getEmail(app, teamId, emailId);
  if (email.broadcastId !== null) {
    throw new Refusal(
      "validation_error",
      `This email is a broadcast, and may have a million deliveries: list them with \`GET /broadcasts/${email.broadcastId}/recipients\`.`,
    );
  }
  const [rows, histories, pause] = await Promise.all([
    listPlaces(app.db, teamId, email.id),
    listAttempts(app.db, email.id),
    findSendingPause(app),
  ]);
  const now = app.now();
  const giveUpAfterMs = app.config.smtpOutbound.giveUpAfter;
  return rows.map(({ delivery, job, lane }) => ({
    delivery,
    lane: job && shortLane(job.lane),
    history: histories.get(delivery.id) ?? [],
    ...explain({ delivery, scheduledAt: email.scheduledAt, job, lane, pause, giveUpAfterMs, now }),
  }));
}

interface Place {
  delivery: Delivery;
  job: Pick<JobRow, "lane" | "node" | "runAt" | "lastError"> | null;
  lane: Lane | null;
}

/** In one statement: read one after the other, a delivery could be seen waiting without its job. */
async function listPlaces(db: Db, teamId: string, emailId: string): Promise<Place[]> {
  const { lane, node, runAt, lastError } = getTableColumns(jobs);
  return db
    .select({ delivery: deliveries, job: { lane, node, runAt, lastError }, lane: lanes })
    .from(deliveries)
    .leftJoin(jobs, eq(jobs.id, deliveries.id))
    .leftJoin(lanes, eq(lanes.lane, jobs.lane))
    .where(and(eq(deliveries.emailId, emailId), eq(deliveries.teamId, teamId)))
    .orderBy(asc(deliveries.id));
}

async function listAttempts(db: Db, emailId: string): Promise<Map<string, Attempt[]>> {
  const newest = sql`(${attempts.deliveryId}, ${attempts.number}, ${attempts.position}) in (
    select delivery_id, number, position from (
      select a.delivery_id, a.number, a.position,
             row_number() over (partition by a.delivery_id order by a.number desc, a.position desc) as nth
      from deliveries d join attempts a on a.delivery_id = d.id where d.email_id = ${emailId})
    where nth <= ${longestHistory})`;
  const rows = await db
    .select()
    .from(attempts)
    .where(newest)
    .orderBy(desc(attempts.number), desc(attempts.position));
  return Map.groupBy(rows, ({ deliveryId }) => deliveryId);
}
