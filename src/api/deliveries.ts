import { Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getMessage } from "../delivery/composed.ts";
import { type ExplainedDelivery, getDeliveries } from "../delivery/read.ts";
import { type Attempt, bounceClasses, commandOf } from "../delivery/schema.ts";
import { getEmail, requireEmail } from "../emails/read.ts";
import { deliveryStates } from "../emails/schema.ts";
import type { EmailWithContent } from "../emails/store.ts";
import { listEventsOf } from "../events/read.ts";
import { type Event, eventTypes } from "../events/schema.ts";
import { authenticated } from "./auth.ts";
import { emailOriginAnswer } from "./email-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
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

const eventAnswer = t.Object({
  object: t.Literal("event"),
  id: t.String({ format: "uuid" }),
  type: oneOf(...eventTypes),
  delivery_id: orNull(t.String({ format: "uuid" })),
  recipient: text,
  data: t.Object({}, { additionalProperties: true, description: "What the event tells, by its type." }),
  created_at: time,
});

/** What became of an email, recipient by recipient. */
export const deliveryRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(listRoutes(app)).use(messageRoutes(app));

const listRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/origin",
      async ({ caller, params }) => toOrigin(await getEmail(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get where an email comes from",
          tags: ["Emails"],
          responses: { 200: answer("What it was sent with, and from", emailOriginAnswer), ...errorAnswers },
        },
      },
    )
    .get(
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
    )
    .get(
      "/:id/events",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged");
        const id = await requireEmail(app, caller.teamId, params.id);
        return listAnswer(await listEventsOf(app.db, caller.teamId, id, page), page, toEvent);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List what happened to an email",
          tags: ["Emails"],
          responses: { 200: answer("A page, newest first", listOf(eventAnswer)), ...errorAnswers },
        },
      },
    );

const toOrigin = ({ id, domainId, apiKeyId, broadcastId, merge }: EmailWithContent) => ({
  object: "email_origin" as const,
  ...{ id, domain_id: domainId, api_key_id: apiKeyId, broadcast_id: broadcastId },
  from_template: merge !== null,
});

const messageRoutes = (app: App) =>
  new Elysia().use(authenticated(app, "full_access")).get(
    "/:id/deliveries/:deliveryId/message",
    async ({ caller, params }) => {
      const bytes = await getMessage(app, caller.teamId, params.id, params.deliveryId);
      return new Response(new Uint8Array(bytes), {
        headers: { "content-type": "message/rfc822", "x-content-type-options": "nosniff" },
      });
    },
    {
      detail: {
        summary: "Get the message of a delivery",
        description: "As hosts get it (RFC 5322), composed and signed anew.",
        tags: ["Emails"],
        responses: {
          200: {
            description: "The message",
            content: { "message/rfc822": { schema: t.String({ format: "binary" }) } },
          },
          ...errorAnswers,
        },
      },
    },
  );

function toEvent({ id, type, deliveryId, recipient, data, createdAt }: Event) {
  return {
    ...{ object: "event" as const, id, type, delivery_id: deliveryId, recipient, data },
    created_at: createdAt.toISOString(),
  };
}

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
