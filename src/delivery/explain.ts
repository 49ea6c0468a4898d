/** Why a delivery is not there yet, or what became of it, in one sentence. */
import { type Broadcast, heldNote } from "../broadcasts/schema.ts";
import type { Delivery } from "../emails/schema.ts";
import { isPaused, pausedUntil } from "../jobs/pause.ts";
import type { JobRow, Lane, Pause } from "../jobs/schema.ts";
import { shortLane } from "./queue-filter.ts";

/** All that is known of a delivery at one moment. */
export interface Circumstances {
  delivery: Pick<
    Delivery,
    "state" | "attempts" | "lastReply" | "mxHost" | "firstAttemptAt" | "settledAt" | "recipient"
  >;
  /** When the email's client wanted it sent. */
  scheduledAt: Date | null;
  /** The broadcast it is of, if it is of one. */
  broadcast?: Pick<Broadcast, "ratePerMinute">;
  /** Absent once the delivery has ended. */
  job: Pick<JobRow, "lane" | "node" | "runAt" | "lastError"> | null;
  lane: Lane | null;
  /** Of all sending. */
  pause: Pause | undefined;
  giveUpAfterMs: number;
  now: Date;
}

/** What keeps a delivery waiting. `until` is null where nobody knows yet. */
export interface WaitingFor {
  limiter: "retry" | "schedule" | "lane" | "pause" | "hold" | "queue" | "attempt";
  reason: string;
  until: Date | null;
}

export interface Explanation {
  /** Null once the delivery has ended. */
  waitingFor: WaitingFor | null;
  status: string;
}

/** A time as sentences have it: to the second. */
export function isoTime(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

export function explain(known: Circumstances): Explanation {
  const { state } = known.delivery;
  if (state === "queued" || state === "deferred") return explainWaiting(known);
  return { waitingFor: null, status: sentence(describeEnd(known)) };
}

function describeEnd({ delivery }: Circumstances): string {
  const { state, settledAt, mxHost, lastReply, attempts } = delivery;
  const at = settledAt ? ` at ${isoTime(settledAt)}` : "";
  const byOperator = /^\w+ by an operator/;
  if (lastReply && byOperator.test(lastReply)) return lastReply.replace(byOperator, `$&${at}`);
  const said = lastReply ? `: ${lastReply}` : "";
  switch (state) {
    case "delivered":
      return `Delivered to ${mxHost ?? "the recipient's mail server"}${at}${said}`;
    case "bounced":
      return `Bounced${mxHost && isReply(lastReply) ? ` by ${mxHost}` : ""}${at}${said}`;
    case "failed":
      return `Given up${at} after ${tries(attempts)}${said}`;
    case "suppressed":
      return `Not sent${at}: ${delivery.recipient} is on the suppression list`;
    default:
      return `Canceled${at}${said}`;
  }
}

function explainWaiting(known: Circumstances): Explanation {
  const { delivery, job, lane, pause, scheduledAt, now } = known;
  const waits = (limiter: WaitingFor["limiter"], reason: string, until: Date | null, status: string) => ({
    waitingFor: { limiter, reason, until },
    status: sentence(status),
  });

  if (!job) {
    // Both go in one batch, so this is a fault of ours, and must not look like patience.
    const reason = "It has no place in the queue any more";
    return waits("queue", reason, null, `${reason}; this is a fault of the server`);
  }
  const isDue = job.runAt <= now;
  const name = shortLane(job.lane);
  if (job.node !== null) {
    const status = `Being attempted now (try ${delivery.attempts + 1})`;
    return waits("attempt", status, null, status);
  }
  if (job.runAt >= pausedUntil) {
    if (job.lastError === heldNote) return waits("pause", heldNote, null, `Waiting: ${heldNote}`);
    const reason = job.lastError ?? "Held by an operator";
    return waits("hold", reason, null, reason);
  }
  if (!isDue && delivery.state === "queued" && scheduledAt && scheduledAt > now) {
    return waits(
      "schedule",
      `Scheduled for ${isoTime(job.runAt)}`,
      job.runAt,
      `Scheduled for ${isoTime(job.runAt)}`,
    );
  }
  if (pause) {
    const reason = `all sending is paused since ${isoTime(pause.createdAt)} (${pause.reason})`;
    return waits("pause", reason, null, `Waiting: ${reason}`);
  }
  if (lane && isPaused(lane)) {
    const reason = `the lane ${name} is paused (${lane.blockedBy ?? "no reason given"})`;
    return waits("pause", reason, null, `Waiting: ${reason}`);
  }
  if (lane?.blockedUntil && lane.blockedUntil > now && lane.blockedUntil > job.runAt) {
    const reason = lane.blockedBy ?? "it was asked to slow down";
    const until = lane.blockedUntil;
    return waits(
      "lane",
      reason,
      until,
      `Waiting until ${isoTime(until)} with its whole lane ${name}: ${reason}`,
    );
  }
  if (isDue) {
    const reason = `its turn in the lane ${name}`;
    return waits("queue", reason, null, `Waiting for ${reason} since ${isoTime(job.runAt)}`);
  }
  return waits("retry", whyRetry(known, job), job.runAt, describeRetry(known, job));
}

type Job = NonNullable<Circumstances["job"]>;

function whyRetry({ delivery, broadcast }: Circumstances, job: Job): string {
  if (delivery.state === "deferred") return delivery.lastReply ?? "it was put off";
  const rate = broadcast?.ratePerMinute;
  return job.lastError ?? (rate ? rateNote(rate) : "it was put off");
}

/** Why a recipient of a broadcast waits for their turn. */
export const rateNote = (ratePerMinute: number) => `its broadcast sends ${ratePerMinute} messages a minute`;

function describeRetry(known: Circumstances, job: Job): string {
  const { delivery, giveUpAfterMs } = known;
  const at = isoTime(job.runAt);
  const why = whyRetry(known, job);
  if (delivery.state === "queued") return `Waiting for its first try at ${at}: ${why}`;
  const { attempts, mxHost, firstAttemptAt } = delivery;
  const cause =
    mxHost && isReply(why)
      ? `because ${mxHost} said ${bare(why)} at try ${attempts}`
      : `because try ${attempts} came to nothing (${bare(why)})`;
  const giveUpAt = firstAttemptAt && new Date(firstAttemptAt.getTime() + giveUpAfterMs);
  return `Waiting for the next try at ${at}, ${cause}${giveUpAt ? `; it is given up at ${isoTime(giveUpAt)}` : ""}`;
}

/** Whether a host said it, and not we in our own words. */
const isReply = (text: string | null): boolean => text !== null && /^[245]\d\d\b/.test(text);

const tries = (count: number) => (count === 1 ? "1 try" : `${count} tries`);

/** Without the full stop that many replies end with. */
const bare = (text: string) => text.replace(/[.\s]+$/, "");

const sentence = (text: string) => `${bare(text)}.`;
