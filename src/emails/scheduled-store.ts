import { eq, sql } from "drizzle-orm";
import type { Db } from "../db/open.ts";
import { rawWrite, type Write } from "../db/write.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { jobs } from "../jobs/schema.ts";
import { deliveries } from "./schema.ts";

const held = pausedUntil.getTime();

/** An email of a team that waits for its time, and of whose jobs no node has ever taken one on. */
const isUntouched = `id = ? and team_id = ? and last_event = 'scheduled' and not exists (
  select 1 from deliveries d join jobs j on j.id = d.id where d.email_id = emails.id and j.fence > 0)`;

/** Changes an email only while it is untouched; to be followed by `expectChange`. */
export const cancelUntouched = (teamId: string, id: string): Write =>
  rawWrite(`update emails set last_event = 'canceled' where ${isUntouched}`, [id, teamId]);

/** The same for another time. */
export const moveUntouched = (
  teamId: string,
  id: string,
  { at, lastEvent }: { at: Date; lastEvent: "scheduled" | "queued" },
): Write =>
  rawWrite(`update emails set scheduled_at = ?, last_event = ? where ${isUntouched}`, [
    at.getTime(),
    lastEvent,
    id,
    teamId,
  ]);

const ofEmail = "id in (select id from deliveries where email_id = ?)";

export const removeJobs = (emailId: string): Write =>
  rawWrite(`delete from jobs where ${ofEmail}`, [emailId]);

export const cancelDeliveries = (emailId: string, said: string, now: Date): Write =>
  rawWrite(
    `update deliveries set state = 'canceled', last_reply = ?, next_attempt_at = null, settled_at = ?
     where email_id = ? and state = 'queued'`,
    [said, now.getTime(), emailId],
  );

/** Moves an email's jobs, but not those that an operator holds: they are due at the email's time once resumed. */
export const moveJobs = (emailId: string, at: Date): Write => ({
  ...rawWrite(`update jobs set run_at = ? where ${ofEmail} and run_at < ?`, [at.getTime(), emailId, held]),
  dueAt: at,
});

/** Shows with an email's deliveries what `moveJobs` has done. */
export const moveDeliveries = (emailId: string, at: Date): Write =>
  rawWrite(
    `update deliveries set next_attempt_at = ? where email_id = ? and state = 'queued'
     and exists (select 1 from jobs where jobs.id = deliveries.id and run_at < ?)`,
    [at.getTime(), emailId, held],
  );

/** The lanes in which an email's jobs wait. */
export async function listLanesOf(db: Db, emailId: string): Promise<string[]> {
  const rows = await db
    .select({ lane: jobs.lane })
    .from(deliveries)
    .innerJoin(jobs, eq(jobs.id, deliveries.id))
    .where(sql`${deliveries.emailId} = ${emailId}`);
  return [...new Set(rows.map(({ lane }) => lane))];
}
