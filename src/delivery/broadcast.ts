/** What a broadcast's deliveries obey besides their hosts: its pause, its end, and its rate. */
import type { App } from "../app.ts";
import { heldNote, lateMs } from "../broadcasts/steer.ts";
import { again, type Ending } from "../jobs/job.ts";
import { perApp } from "../per-app.ts";
import type { Outcome } from "./outcome.ts";
import { type DueDelivery, planDelivery } from "./store.ts";

/** What was under way when the broadcast was paused asks again that soon; all else was put off by its conductor. */
const pausedMs = 10_000;

/** Why a delivery is not attempted now, or never again, because somebody has stopped its broadcast. */
export function stoppedWithBroadcast(
  app: App,
  { broadcast }: DueDelivery,
): Ending | { outcome: Outcome } | undefined {
  switch (broadcast?.status) {
    case "paused":
      return again(new Date(app.now().getTime() + pausedMs), heldNote);
    case "canceled":
      return { outcome: { kind: "canceled", said: "Its broadcast was canceled" } };
    default:
      return undefined;
  }
}

/** By email: when the next message that has lost its place may go. */
const mostKept = 1_000;

/**
 * Deliveries of a broadcast with a rate were given their times when they were made. Those that are late must not go out all
 * at once: each gets a time of its own again, from now on.
 */
export function awaitsTurn(app: App, { delivery, email, broadcast }: DueDelivery): Ending | undefined {
  const { ratePerMinute = null } = broadcast ?? {};
  const plannedAt = delivery.nextAttemptAt?.getTime();
  if (ratePerMinute === null || plannedAt === undefined || delivery.state !== "queued") return undefined;
  const now = app.now().getTime();
  if (now - plannedAt <= lateMs) return undefined;
  const turns = turnsOf(app);
  const turn = Math.max(now, turns.get(email.id) ?? 0);
  turns.delete(email.id);
  turns.set(email.id, turn + 60_000 / ratePerMinute);
  if (turns.size > mostKept) turns.delete(turns.keys().next().value!);
  if (turn <= now) return undefined;
  const at = new Date(turn);
  const why = `its broadcast sends ${ratePerMinute} messages a minute`;
  return again(at, why, [planDelivery({ id: delivery.id, nextAttemptAt: at })]);
}

const turnsOf = perApp((): Map<string, number> => new Map());
