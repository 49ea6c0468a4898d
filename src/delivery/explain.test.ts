import { describe, expect, test } from "bun:test";
import { pausedUntil } from "../jobs/pause.ts";
import { type Circumstances, explain } from "./explain.ts";

const at = (time: string) => new Date(`2026-03-01T${time}Z`);
const now = at("12:00:00");

const job = { lane: "deliver/mx1.example.com", node: null, runAt: at("11:59:00"), lastError: null };
const lane = {
  lane: "deliver/mx1.example.com",
  kind: "deliver",
  nextAt: now,
  blockedUntil: null,
  blockedBy: null,
};
const queued = {
  state: "queued" as const,
  attempts: 0,
  lastReply: null,
  mxHost: null,
  firstAttemptAt: null,
  settledAt: null,
  recipient: "bob@example.com",
};
const deferred = {
  ...queued,
  state: "deferred" as const,
  attempts: 2,
  lastReply: "451 4.7.1 Greylisted.",
  mxHost: "mx.example.com",
  firstAttemptAt: at("11:00:00"),
};
const ended = { ...deferred, mxHost: "mx1.example.com", settledAt: at("12:00:02") };
const pause = { kind: "deliver", reason: "moving house", createdAt: at("10:00:00") };

const known = (changes: Partial<Circumstances>): Circumstances => ({
  delivery: queued,
  scheduledAt: null,
  job,
  lane,
  pause: undefined,
  giveUpAfterMs: 48 * 3_600_000,
  now,
  ...changes,
});

describe("what has ended says how", () => {
  test.each<[string, Partial<Circumstances["delivery"]>]>([
    [
      "Delivered to mx1.example.com at 2026-03-01T12:00:02Z: 250 2.0.0 OK.",
      { state: "delivered", lastReply: "250 2.0.0 OK" },
    ],
    [
      "Bounced by mx1.example.com at 2026-03-01T12:00:02Z: 550 5.1.1 No such user.",
      { state: "bounced", lastReply: "550 5.1.1 No such user." },
    ],
    [
      "Bounced by an operator at 2026-03-01T12:00:02Z: wrong list.",
      { state: "bounced", lastReply: "Bounced by an operator: wrong list" },
    ],
    [
      "Given up at 2026-03-01T12:00:02Z after 1 try: mx1.example.com: connection refused.",
      { state: "failed", attempts: 1, lastReply: "mx1.example.com: connection refused" },
    ],
    ["Given up at 2026-03-01T12:00:02Z after 2 tries: 451 4.7.1 Greylisted.", { state: "failed" }],
    [
      "Not sent at 2026-03-01T12:00:02Z: bob@example.com is on the suppression list.",
      { state: "suppressed", lastReply: null },
    ],
    ["Canceled at 2026-03-01T12:00:02Z.", { state: "canceled", lastReply: null }],
    [
      "Canceled by an operator at 2026-03-01T12:00:02Z.",
      { state: "canceled", lastReply: "Canceled by an operator" },
    ],
  ])("%s", (status, changes) => {
    expect(explain(known({ delivery: { ...ended, ...changes }, job: null, lane: null, pause }))).toEqual({
      waitingFor: null,
      status,
    });
  });
});

describe("what waits says for what", () => {
  const blocked = { ...lane, blockedUntil: at("12:05:00"), blockedBy: "rate: 20 messages a minute" };
  const paused = { ...lane, blockedUntil: pausedUntil, blockedBy: "postmaster called" };
  const retryJob = { ...job, runAt: at("12:10:00") };
  const greylisted =
    "Waiting for the next try at 2026-03-01T12:10:00Z, because mx.example.com said 451 4.7.1 Greylisted at try 2; it is given up at 2026-03-03T11:00:00Z.";

  test.each<[string, string, Date | null, Partial<Circumstances>]>([
    [
      "Being attempted now (try 3).",
      "attempt",
      null,
      { delivery: deferred, job: { ...job, node: "a" }, pause },
    ],
    [
      "Held by an operator since 2026-03-01T11:00:00Z: wrong list.",
      "hold",
      null,
      {
        job: {
          ...job,
          runAt: pausedUntil,
          lastError: "Held by an operator since 2026-03-01T11:00:00Z: wrong list",
        },
        pause,
      },
    ],
    [
      "Scheduled for 2026-03-01T13:00:00Z.",
      "schedule",
      at("13:00:00"),
      { scheduledAt: at("13:00:00"), job: { ...job, runAt: at("13:00:00") }, pause, lane: paused },
    ],
    [
      "Waiting: all sending is paused since 2026-03-01T10:00:00Z (moving house).",
      "pause",
      null,
      { pause, lane: blocked },
    ],
    [
      "Waiting: the lane mx1.example.com is paused (postmaster called).",
      "pause",
      null,
      { delivery: deferred, job: retryJob, lane: paused },
    ],
    [
      "Waiting until 2026-03-01T12:05:00Z with its whole lane mx1.example.com: rate: 20 messages a minute.",
      "lane",
      at("12:05:00"),
      { lane: blocked },
    ],
    [greylisted, "retry", at("12:10:00"), { delivery: deferred, job: retryJob, lane: blocked }],
    [
      "Waiting for the next try at 2026-03-01T12:10:00Z, because try 2 came to nothing (mx.example.com: timeout); it is given up at 2026-03-03T11:00:00Z.",
      "retry",
      at("12:10:00"),
      { delivery: { ...deferred, lastReply: "mx.example.com: timeout" }, job: retryJob },
    ],
    [
      "Waiting for its first try at 2026-03-01T12:10:00Z: the server was stopped.",
      "retry",
      at("12:10:00"),
      { job: { ...retryJob, lastError: "the server was stopped" } },
    ],
    [
      "Waiting for its turn in the lane mx1.example.com since 2026-03-01T11:59:00Z.",
      "queue",
      null,
      { lane: { ...lane, blockedUntil: at("11:30:00"), blockedBy: "rate" } },
    ],
    [
      "Waiting for its turn in the lane mx1.example.com since 2026-03-01T11:59:00Z.",
      "queue",
      null,
      { delivery: deferred, lane: null, scheduledAt: at("11:59:00") },
    ],
    [
      "It has no place in the queue any more; this is a fault of the server.",
      "queue",
      null,
      { job: null, lane: null },
    ],
  ])("%s", (status, limiter, until, changes) => {
    const explanation = explain(known(changes));
    expect(explanation.status).toBe(status);
    expect(explanation.waitingFor).toMatchObject({ limiter, until });
    expect(explanation.waitingFor!.reason).not.toBe("");
  });
});
