/** At what times a broadcast's recipients have their turns. */
import { type Broadcast, isEnded } from "./schema.ts";

/** From when the rate counts, and how many have been given a turn since. */
export interface Pace {
  pacedAt: Date;
  paced: number;
}

/** A delivery of a broadcast with a rate that is later than this has lost its place, and gets another. */
export const lateMs = 2_000;

/** The rate counts from now on. */
export const paceFrom = (now: Date): Pace => ({ pacedAt: now, paced: 0 });

export const turnMs = (ratePerMinute: number): number => 60_000 / ratePerMinute;

type Paced = Pick<Broadcast, "ratePerMinute" | "pacedAt" | "paced">;

/**
 * When each next recipient has their turn: at once, or one after the other at the broadcast's rate, from where it has come
 * to. `pace` tells where that is then, and is written in the same batch as the turns.
 */
export function turnsFrom(broadcast: Paced, now: Date): { next(): Date; pace(): Pace } {
  let { pacedAt, paced } = broadcast;
  // What was missed, by a server that stood still, is not made up for at once.
  if (pacedAt === null || turnOf(broadcast, pacedAt, paced) < now) ({ pacedAt, paced } = paceFrom(now));
  const from = pacedAt;
  return {
    next: () => turnOf(broadcast, from, paced++),
    pace: () => ({ pacedAt: from, paced }),
  };
}

const turnOf = ({ ratePerMinute }: Paced, from: Date, place: number): Date =>
  ratePerMinute === null ? from : new Date(from.getTime() + Math.floor(place * turnMs(ratePerMinute)));

/** When the last recipient has their turn, of one that is being sent at a rate; null while that is not known, and after. */
export function expectedEnd(
  broadcast: Paced & Pick<Broadcast, "status" | "cursor" | "steered" | "steerCursor">,
  now: Date,
): Date | null {
  const { status, ratePerMinute, pacedAt, paced } = broadcast;
  if (status !== "sending" || ratePerMinute === null || pacedAt === null || paced === 0) return null;
  if (!isEnded(broadcast.cursor) || broadcast.steered !== "sending" || broadcast.steerCursor !== null) {
    return null;
  }
  const end = turnOf(broadcast, pacedAt, paced - 1);
  return end > now ? end : null;
}

/** Whether the turns of a broadcast that is being sent are given anew, and this delivery has not got its own yet. */
export const isYetToBePaced = (
  { steered, steerCursor }: Pick<Broadcast, "steered" | "steerCursor">,
  deliveryId: string,
): boolean => steered !== "sending" || (steerCursor !== null && deliveryId > steerCursor);
