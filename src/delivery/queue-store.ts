import type { SqlValue } from "../db/transport.ts";
import { rawWrite, type Write } from "../db/write.ts";
import type { DeliveryState, LastEvent } from "../emails/schema.ts";
import { pausedUntil } from "../jobs/pause.ts";
import type { Waiting } from "./queue-walk.ts";

const held = pausedUntil.getTime();
const among = "id in (select value from json_each(?1))";

/** Puts off jobs that nobody holds, for as long as nobody resumes them; returns a row for each. */
export const holdJobs = (ids: string[], note: string): Write =>
  rawWrite(
    `update jobs set run_at = ?2, last_error = ?3 where ${among} and node is null and run_at < ?2 returning id`,
    [JSON.stringify(ids), held, note],
  );

/** Makes held jobs due: at once, or at their email's time where that was not reached before. Returns a row for each. */
export const resumeJobs = (ids: string[], now: Date): Write =>
  rawWrite(
    `update jobs set last_error = null, run_at = max(?2, coalesce((
       select e.scheduled_at from deliveries d join emails e on e.id = d.email_id
       where d.id = jobs.id and d.state = 'queued'), 0))
     where ${among} and node is null and run_at >= ?3 returning id`,
    [JSON.stringify(ids), now.getTime(), held],
  );

/** Makes waiting jobs that nobody holds due at once; returns a row for each. */
export const hastenJobs = (ids: string[], now: Date): Write =>
  rawWrite(
    `update jobs set run_at = ?2 where ${among} and node is null and run_at > ?2 and run_at < ?3 returning id`,
    [JSON.stringify(ids), now.getTime(), held],
  );

/** Shows with the deliveries when their jobs are due; follows whatever moved jobs. */
export const showNextAttempt = (ids: string[]): Write =>
  rawWrite(
    `update deliveries set next_attempt_at = (
       select case when run_at < ?2 then run_at end from jobs where jobs.id = deliveries.id)
     where ${among} and exists (select 1 from jobs where jobs.id = deliveries.id and node is null)`,
    [JSON.stringify(ids), held],
  );

/** Removes a job only if it waits as it did when it was seen: not held, moved or tried since. */
export const removeUntouched = ({ id, fence, runAt }: Waiting): Write =>
  rawWrite("delete from jobs where id = ? and node is null and fence = ? and run_at = ?", [
    id,
    fence,
    runAt.getTime(),
  ]);

/** Ends a delivery that was never given to its host; its attempts stay as they are. */
export const settleUnsent = (id: string, state: DeliveryState, said: string, now: Date): Write => {
  const params: SqlValue[] = [state, said, now.getTime(), id];
  return rawWrite(
    `update deliveries set state = ?, last_reply = ?, next_attempt_at = null, settled_at = ?
     where id = ? and state in ('queued', 'deferred')`,
    params,
  );
};

/**
 * Shows with an email how one of its deliveries ended; follows `settleUnsent`. An email that still waits for its time at
 * other recipients stays scheduled: only then can its client move it and take it back.
 */
export const showEnd = (emailId: string, lastEvent: LastEvent): Write =>
  rawWrite(
    `update emails set last_event = ?1 where id = ?2 and not (last_event = 'scheduled'
       and exists (select 1 from deliveries where email_id = ?2 and state = 'queued'))`,
    [lastEvent, emailId],
  );
