/** One delivery as the API tells of it: an email's, and a broadcast's to one recipient. */
import { Type as t } from "@sinclair/typebox";
import type { ExplainedDelivery } from "../delivery/read.ts";
import type { BroadcastRecipient } from "../delivery/recipient.ts";
import { type Attempt, bounceClasses, commandOf } from "../delivery/schema.ts";
import { deliveryStates } from "../emails/schema.ts";
import { eventTypes } from "../events/schema.ts";

export const oneOf = (...values: readonly string[]) => t.Union(values.map((value) => t.Literal(value)));
export const orNull = <S extends Parameters<typeof t.Union>[0][number]>(schema: S) =>
  t.Union([schema, t.Null()]);
export const time = t.String({ format: "date-time" });
export const text = orNull(t.String());
const id = t.String({ format: "uuid" });

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
  steps: t.Array(
    t.Object({
      step: t.String(),
      ms: t.Number(),
      command: orNull(
        t.String({ description: "What we said, passwords masked.", examples: ["EHLO mail.example.com"] }),
      ),
      reply: text,
    }),
  ),
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

const fields = {
  id,
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
};

export const deliveryAnswer = t.Object({ object: t.Literal("delivery"), ...fields });

export const recipientAnswer = t.Object({
  object: t.Literal("broadcast_recipient"),
  ...fields,
  ...{ broadcast_id: id, email_id: id },
  contact_id: orNull(t.String({ format: "uuid", description: "Null once the contact is deleted." })),
  message_id: orNull(
    t.String({
      description: "Of their copy; null once the sending domain is removed.",
      examples: ["<019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b@example.com>"],
    }),
  ),
  events: t.Array(
    t.Object({
      type: oneOf(...eventTypes),
      data: t.Object({}, { additionalProperties: true, description: "What the event tells, by its type." }),
      created_at: time,
    }),
    { description: "What happened to it and what they did with it, newest first: up to 50 of a type." },
  ),
});

export const toDelivery = (explained: ExplainedDelivery) => ({
  object: "delivery" as const,
  ...toFields(explained),
});

export const toRecipient = ({
  broadcast,
  explained,
  contactId,
  messageId,
  happened,
}: BroadcastRecipient) => ({
  object: "broadcast_recipient" as const,
  ...toFields(explained),
  ...{ broadcast_id: broadcast.id, email_id: explained.delivery.emailId },
  ...{ contact_id: contactId, message_id: messageId },
  events: happened.map(({ type, data, createdAt }) => ({ type, data, created_at: createdAt.toISOString() })),
});

function toFields({ delivery, lane, waitingFor, status, history }: ExplainedDelivery) {
  return {
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
    steps: attempt.steps.map((each) => {
      const { step, ms, reply = null } = each;
      return { step, ms, command: commandOf(each) ?? null, reply };
    }),
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
