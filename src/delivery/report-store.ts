import { and, asc, eq, getTableColumns } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { type Delivery, deliveries, type Email, emails } from "../emails/schema.ts";
import { inboundEmails } from "../inbound/schema.ts";
import { jobs } from "../jobs/schema.ts";
import type { Attempt } from "./schema.ts";

/** A delivery that somebody reports about, with what events about it need. */
export interface ReportedDelivery extends Delivery, Pick<Email, "domainId" | "broadcastId" | "tags"> {
  /** Its job, while it has not ended. */
  job: { lane: string } | null;
}

export async function findReportedDelivery(db: Db, id: string): Promise<ReportedDelivery | undefined> {
  return deliveriesWithJobs(db).where(eq(deliveries.id, id)).get();
}

/** All deliveries of the email that has this id and this Message-ID. */
export async function listReportedDeliveries(
  db: Db,
  emailId: string,
  messageId: string,
): Promise<ReportedDelivery[]> {
  return deliveriesWithJobs(db)
    .where(and(eq(deliveries.emailId, emailId), eq(emails.messageId, messageId)))
    .orderBy(asc(deliveries.id));
}

function deliveriesWithJobs(db: Db) {
  return db
    .select({
      ...getTableColumns(deliveries),
      domainId: emails.domainId,
      broadcastId: emails.broadcastId,
      tags: emails.tags,
      job: { lane: jobs.lane },
    })
    .from(deliveries)
    .innerJoin(emails, eq(emails.id, deliveries.emailId))
    .leftJoin(jobs, eq(jobs.id, deliveries.id))
    .$dynamic();
}

/** Who sent a message that came in, as shown, and who vouches for it. */
export async function findReporter(db: Db, inboundId: string) {
  const { sender, verdicts } = inboundEmails;
  return db.select({ sender, verdicts }).from(inboundEmails).where(eq(inboundEmails.id, inboundId)).get();
}

/** Ends a delivery if it is still in the state it was seen in; its attempts stay as they are. */
export const settleReported = (
  seen: Pick<Delivery, "id" | "state">,
  state: "bounced" | "delivered",
  said: string,
  now: Date,
): Write =>
  rawWrite(
    `update deliveries set state = ?, last_reply = ?, next_attempt_at = null, settled_at = ?
     where id = ? and state = ?`,
    [state, said, now.getTime(), seen.id, seen.state],
  );

/** What a report adds to a delivery's history: it stands behind the hosts of the try that it is about. */
export const insertReport = (
  { id, attempts }: Pick<Delivery, "id" | "attempts">,
  { outcome, class: about, host, said }: Pick<Attempt, "outcome" | "class" | "host" | "said">,
  now: Date,
): Write =>
  rawWrite(
    `insert into attempts (delivery_id, number, position, outcome, class, host, reused, steps, said, started_at, ended_at)
     select ?1, ?2, coalesce(max(position), -1) + 1, ?3, ?4, ?5, 0, '[]', ?6, ?7, ?7
     from attempts where delivery_id = ?1 and number = ?2`,
    [id, Math.max(attempts, 1), outcome, about, host, said, now.getTime()],
  );
