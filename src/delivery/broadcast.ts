/** What a broadcast's deliveries obey besides their hosts: its pause, its end, and its rate. */
import type { App } from "../app.ts";
import { isYetToBePaced, lateMs, turnMs } from "../broadcasts/pace.ts";
import { heldNote } from "../broadcasts/schema.ts";
import { again, type Ending } from "../jobs/job.ts";
import { perApp } from "../per-app.ts";
import { rateNote } from "./explain.ts";
import type { Outcome } from "./outcome.ts";
import { type DueDelivery, takeTurn } from "./store.ts";

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

/** By conductor, and so for as long as the pace is the same: when the next message that has lost its place may go. */
const mostKept = 1_000;

/**
 * Deliveries of a broadcast with a rate are given their times when they are made, and anew when the rate is changed. Those
 * that are late must not go out all at once: each gets a time of its own again, from now on.
 */
export function awaitsTurn(app: App, { delivery, broadcast }: DueDelivery): Ending | undefined {
  const { ratePerMinute = null } = broadcast ?? {};
  const { nextAttemptAt: plannedAt } = delivery;
  if (!broadcast || ratePerMinute === null || !plannedAt || delivery.state !== "queued") return undefined;
  const now = app.now().getTime();
  const why = rateNote(ratePerMinute);
  if (isYetToBePaced(broadcast, delivery.id)) return again(new Date(now + lateMs), why);
  const lateBy = now - plannedAt.getTime();
  // It was under way when everybody was given another turn: its own is still to come.
  if (lateBy < -lateMs) return again(plannedAt, why);
  if (lateBy <= lateMs) return undefined;
  const conductor = broadcast.conductor!;
  const turns = turnsOf(app);
  const turn = Math.max(now, turns.get(conductor) ?? 0);
  turns.delete(conductor);
  turns.set(conductor, turn + turnMs(ratePerMinute));
  if (turns.size > mostKept) turns.delete(turns.keys().next().value!);
  if (turn <= now) return undefined;
  const at = new Date(turn);
  return again(at, why, takeTurn(broadcast, delivery.id, at));
}

const turnsOf = perApp((): Map<string, number> => new Map());
