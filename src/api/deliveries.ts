import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { type ExplainedDelivery, getDeliveries } from "../delivery/read.ts";
import { type Attempt, bounceClasses } from "../delivery/schema.ts";
import { deliveryStates } from "../emails/schema.ts";
import { authenticated } from "./auth.ts";
import { answer, errorAnswers, listOf } from "./openapi.ts";

const oneOf = (...values: readonly string[]) => t.Union(values.map((value) => t.Literal(value)));
const orNull = <S extends Parameters<typeof t.Union>[0][number]>(schema: S) => t.Union([schema, t.Null()]);
const time = t.String({ format: "date-time" });
const text = orNull(t.String());

const attemptAnswer = t.Object({
  number: t.Integer({ description: "Which try of the retry plan, from 1." }),
  position: t.Integer({
    description: "Which host of this try, from 0. A report about it that came later stands behind its hosts.",
  }),
  outcome: oneOf("delivered", "deferred", "bounced", "failed"),
  class: orNull(oneOf(...bounceClasses)),
  host: text,
  address: text,
  local_address: text,
  reused: t.Boolean({ description: "Whether the connection had carried other messages before." }),
  started_at: time,
  ended_at: time,
  steps: t.Array(t.Object({ step: t.String(), ms: t.Number(), reply: text })),
  tls: orNull(
    t.Object({
      wanted: t.String(),
      version: text,
      cipher: text,
      certificate: text,
      problem: text,
    }),
  ),
  limiter: text,
  said: t.String(),
});

const deliveryAnswer = t.Object({
  object: t.Literal("delivery"),
  id: t.String({ format: "uuid" }),
  recipient: t.String(),
  state: oneOf(...deliveryStates),
  attempts: t.Integer(),
  last_reply: text,
  mx_host: text,
  created_at: time,
  first_attempt_at: orNull(time),
  next_attempt_at: orNull(time),
  settled_at: orNull(time),
  lane: text,
  waiting_for: orNull(
    t.Object({
      limiter: oneOf("retry", "schedule", "lane", "pause", "hold", "queue", "attempt"),
      reason: t.String({ examples: ["451 4.7.1 Greylisted"] }),
      until: orNull(time),
    }),
  ),
  status: t.String({ description: "One sentence: why it is not delivered yet, or what became of it." }),
  history: t.Array(attemptAnswer, { description: "The newest 50 conversations with hosts, newest first." }),
});

/** What became of an email, recipient by recipient. */
export const deliveryRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(authenticated(app, "full_access")).get(
    "/:id/deliveries",
    async ({ caller, params }) => ({
      object: "list" as const,
      has_more: false,
      data: (await getDeliveries(app, caller.teamId, params.id)).map(toAnswer),
    }),
    {
      detail: {
        summary: "Explain the deliveries of an email",
        tags: ["Emails"],
        responses: {
          200: answer("One for each recipient, all of them", listOf(deliveryAnswer)),
          ...errorAnswers,
        },
      },
    },
  );

function toAnswer({ delivery, lane, waitingFor, status, history }: ExplainedDelivery) {
  return {
    object: "delivery" as const,
    id: delivery.id,
    recipient: delivery.recipient,
    state: delivery.state,
    attempts: delivery.attempts,
    last_reply: delivery.lastReply,
    mx_host: delivery.mxHost,
    created_at: delivery.createdAt.toISOString(),
    first_attempt_at: delivery.firstAttemptAt?.toISOString() ?? null,
    next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
    settled_at: delivery.settledAt?.toISOString() ?? null,
    lane,
    waiting_for: waitingFor && {
      limiter: waitingFor.limiter,
      reason: waitingFor.reason,
      until: waitingFor.until?.toISOString() ?? null,
    },
    status,
    history: history.map(toAttempt),
  };
}

function toAttempt(attempt: Attempt) {
  const { tls } = attempt;
  return {
    number: attempt.number,
    position: attempt.position,
    outcome: attempt.outcome,
    class: attempt.class,
    host: attempt.host,
    address: attempt.address,
    local_address: attempt.localAddress,
    reused: attempt.reused,
    started_at: attempt.startedAt.toISOString(),
    ended_at: attempt.endedAt.toISOString(),
    steps: attempt.steps.map(({ step, ms, reply }) => ({ step, ms, reply: reply ?? null })),
    tls: tls && {
      wanted: tls.wanted,
      version: tls.version ?? null,
      cipher: tls.cipher ?? null,
      certificate: tls.certificate ?? null,
      problem: tls.problem ?? null,
    },
    limiter: attempt.limiter,
    said: attempt.said,
  };
}
