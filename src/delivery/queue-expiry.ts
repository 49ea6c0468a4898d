/** Deliveries that never have their turn, because their lane is blocked again and again, are given up like any other. */

import { setImmediate } from "node:timers/promises";
import { type Static, Type as t } from "@sinclair/typebox";
import { sql } from "drizzle-orm";
import type { App } from "../app.ts";
import type { Db } from "../db/open.ts";
import { rawWrite } from "../db/write.ts";
import { deliver } from "../emails/jobs.ts";
import { again, defineJob, handle, laneOf } from "../jobs/job.ts";
import { pausedUntil } from "../jobs/pause.ts";
import type { Recurring } from "../jobs/recurring.ts";
import { insertJobOnce, touchLane } from "../jobs/store.ts";
import { before, shortLane } from "./queue-filter.ts";
import { endUnsent, type UnsentEnd } from "./queue-settle.ts";
import { findSendingPause } from "./queue-switches.ts";
import { walkOverdue } from "./queue-walk.ts";

const everyMs = 3_600_000;
/** A run that is later than this was not waited for: the program was not running. */
const lateMs = 300_000;
const lanesAtOnce = 500;
const batchSize = 100;

/**
 * What this work remembers between its runs, in its job's payload: since when mail could be sent at all, and when each
 * lane was last seen paused. Time in which the server was off or an operator had stopped the mail is nobody's fault, and
 * must not use up the time a delivery has.
 */
const Memory = t.Object({
  /** Milliseconds since 1970; absent before the first run. */
  sendingSince: t.Optional(t.Number()),
  pausedLanes: t.Optional(t.Record(t.String(), t.Number())),
});
type Memory = Static<typeof Memory>;

const kind = defineJob("expire_deliveries", Memory);

const handler = handle(kind, async (app, memory, { id }) => {
  const now = app.now();
  const wasOff = await isLate(app.db, id, now);
  const isStopped = (await findSendingPause(app)) !== undefined;
  const sendingSince = wasOff || isStopped ? now.getTime() : (memory.sendingSince ?? now.getTime());
  const pausedLanes = await pausesSeen(app, memory, now);
  if (!isStopped) await expireStuck(app, { sendingSince, pausedLanes });
  const remember = rawWrite("update jobs set payload = ? where id = ?", [
    JSON.stringify({ sendingSince, pausedLanes }),
    id,
  ]);
  return again(new Date(now.getTime() + everyMs), "it comes back", [remember]);
});

/** Gives up, every hour, what has been due for longer than deliveries are tried. */
export const expiringDeliveries: Recurring = {
  handler,
  ensure(app) {
    const now = app.now();
    const lane = laneOf(kind, undefined);
    const job = { id: kind.name, kind: kind.name, lane, payload: {}, runAt: now, createdAt: now };
    return [{ ...insertJobOnce(job), dueAt: now }, touchLane(lane, now)];
  },
};

/** Fails deliveries that were due all the time they have, while limiters blocked their lane; gives how many. */
export async function expireStuck(
  app: App,
  { sendingSince, pausedLanes }: Required<Memory>,
): Promise<number> {
  const now = app.now();
  const cutoff = before(now, app.config.smtpOutbound.giveUpAfter);
  if (sendingSince > cutoff.getTime()) return 0;
  let expired = 0;
  for await (const { lane, blockedBy } of blockedLanes(app.db, now)) {
    if ((pausedLanes[lane] ?? 0) > cutoff.getTime()) continue;
    const said = `It had no turn within the time that deliveries are tried: ${blockedBy}`;
    const failure: UnsentEnd = { state: "failed", said, data: { failed: { reason: said } } };
    for await (const rows of walkOverdue(app.db, lane, cutoff, now)) {
      for (let from = 0; from < rows.length; from += batchSize) {
        expired += await endUnsent(app, rows.slice(from, from + batchSize), failure);
      }
    }
  }
  return expired;
}

async function isLate(db: Db, jobId: string, now: Date): Promise<boolean> {
  const [row] = await db.values<[number]>(sql`select run_at from jobs where id = ${jobId}`);
  return row !== undefined && now.getTime() - row[0] > lateMs;
}

/** When each lane was last seen paused by an operator; forgotten once it no longer matters. */
async function pausesSeen(
  app: App,
  { pausedLanes = {} }: Memory,
  now: Date,
): Promise<Record<string, number>> {
  const cutoff = before(now, app.config.smtpOutbound.giveUpAfter).getTime();
  const paused = await app.db.values<[string]>(
    // A paused lane in which something waits is due when its pause ends: the index of due lanes knows them.
    sql`select lane from lanes where kind = ${deliver.name} and next_at >= ${pausedUntil.getTime()}
        and blocked_until >= ${pausedUntil.getTime()}`,
  );
  return Object.fromEntries([
    ...Object.entries(pausedLanes).filter(([, at]) => at > cutoff),
    ...paused.map(([lane]) => [shortLane(lane), now.getTime()] as const),
  ]);
}

/** Lanes that a limiter blocks. */
async function* blockedLanes(db: Db, now: Date): AsyncGenerator<{ lane: string; blockedBy: string }> {
  const end = `${deliver.name}0`;
  for (let after = `${deliver.name}/`; ; ) {
    const rows = await db.values<[string, string | null, number | null]>(
      sql`select lane, blocked_by, blocked_until > ${now.getTime()} and blocked_until < ${pausedUntil.getTime()}
          from lanes where lane > ${after} and lane < ${end} order by lane limit ${lanesAtOnce}`,
    );
    for (const [lane, blockedBy, isBlocked] of rows) {
      if (isBlocked) yield { lane: shortLane(lane), blockedBy: blockedBy ?? "its lane was blocked" };
    }
    const last = rows.at(-1);
    if (!last || rows.length < lanesAtOnce) return;
    after = last[0];
    await setImmediate();
  }
}
