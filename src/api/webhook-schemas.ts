import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { webhookEventStatuses, webhookStatuses } from "../webhooks/schema.ts";
import { pageQuery } from "./list.ts";
import { listOf, searchedListOf } from "./openapi.ts";

const endpoint = t.String({
  description: "An https URL; plain http only where `webhooks.allowPrivateAddresses` is set.",
  examples: ["https://example.com/webhooks"],
});
const events = t.Array(t.String(), {
  description: "It must be a list of event names, or `*` for all of them.",
  examples: [["email.delivered", "email.bounced"]],
});
const fields = {
  endpoint: t.Optional(endpoint),
  events: t.Optional(events),
  status: t.Optional(t.String({ description: "`enabled` or `disabled`.", examples: ["enabled"] })),
  include_body: t.Optional(
    t.Boolean({ description: "Whether `email.received` carries the email's html, text and headers." }),
  ),
  url: t.Optional(
    t.String({ description: "Another name of `endpoint`.", examples: ["https://example.com/webhooks"] }),
  ),
  active: t.Optional(t.Boolean({ description: "Another way to say `status`." })),
};
export const creation = t.Object({ ...fields, events }, { additionalProperties: true });
export const change = t.Object(fields, { additionalProperties: true });

export const replayFilter = t.Object(
  {
    type: t.Optional(t.String({ description: "The name of an event.", examples: ["email.bounced"] })),
    status: t.Optional(
      t.String({ description: "`failed` unless it says `success` or `pending`.", examples: ["failed"] }),
    ),
    from: t.Optional(
      t.String({
        description: "ISO 8601; happened at this time or later.",
        examples: ["2026-03-01T12:00:00Z"],
      }),
    ),
    to: t.Optional(
      t.String({ description: "ISO 8601; happened before this time.", examples: ["2026-03-02T12:00:00Z"] }),
    ),
  },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const messageId = Type.String({ examples: ["msg_019ad1c45a3e7c609f8b3f0a6f1d2c4b"] });
const time = Type.String({ format: "date-time" });
const orNull = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()]);
const object = { object: Type.Literal("webhook"), id };
const secret = Type.String({
  description: "Shows that a call is ours; see the README.",
  examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw5tq4pjZ1A3k="],
});
const item = {
  id,
  created_at: time,
  status: Type.Union(webhookStatuses.map((each) => Type.Literal(each))),
  endpoint: Type.String({ examples: ["https://example.com/webhooks"] }),
  events: Type.Array(Type.String(), { examples: [["email.delivered", "email.bounced"]] }),
  include_body: Type.Boolean(),
  disabled_reason: Type.Union([Type.String(), Type.Null()], {
    description: "Why it was disabled without being asked for.",
    examples: [null],
  }),
  last_taken_at: Type.Union([time, Type.Null()], {
    description: "When it last took an event, as far as its last hundred events know.",
  }),
  last_failure_at: Type.Union([time, Type.Null()]),
  failing_since: Type.Union([time, Type.Null()], {
    description: "Since when no call has succeeded; null while they do.",
    examples: [null],
  }),
};

export const reference = Type.Object(object);
export const removed = Type.Object({ ...object, deleted: Type.Literal(true) });
export const withSecret = Type.Object({ ...object, signing_secret: secret });
export const webhookList = listOf(Type.Object(item));
export const webhookAnswer = Type.Object({
  object: Type.Literal("webhook"),
  ...item,
  signing_secret: Type.Union([secret, Type.Null()], {
    description: "Null for a person whose role is viewer.",
  }),
  previous_secret_until: Type.Union([time, Type.Null()], {
    description: "Until when the secret before it signs as well.",
    examples: [null],
  }),
});

const event = {
  id: messageId,
  type: Type.String({ examples: ["email.delivered"] }),
  created_at: time,
  status: Type.Union([...webhookEventStatuses, "attempting"].map((each) => Type.Literal(each))),
};
export const eventsQuery = t.Object(
  {
    ...pageQuery.properties,
    status: t.Optional(t.Union(webhookEventStatuses.map((each) => t.Literal(each)))),
  },
  { additionalProperties: true },
);
export const eventList = searchedListOf(Type.Object(event), messageId);
export const eventAnswer = Type.Object({
  object: Type.Literal("webhook_event"),
  ...event,
  next_attempt_at: orNull(time),
  payload: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()], {
    description: "What a call carries; null once the event is no longer kept.",
    examples: [{ type: "email.delivered", created_at: "2026-03-01T12:00:02.000Z", data: {} }],
  }),
});
export const eventReference = Type.Object({ object: Type.Literal("webhook_event"), id: messageId });

export const attemptList = listOf(
  Type.Object({
    id: Type.String({ examples: ["atmpt_019ad1c45a3e7c609f8b3f0a6f1d2c4b"] }),
    http_status_code: Type.Integer({ description: "0 when no answer came.", examples: [200] }),
    response: Type.String({
      description: "The first 4 KB of the answer, or why none came.",
      examples: ["ok"],
    }),
    sent_at: time,
    duration_ms: Type.Integer(),
    error: Type.Union([Type.String(), Type.Null()], {
      description: "Why it counts as failed.",
      examples: [null],
    }),
  }),
);

export const eventTypeList = listOf(
  Type.Object({
    object: Type.Literal("webhook_event_type"),
    name: Type.String({ examples: ["email.delivered"] }),
    group: Type.String({ examples: ["Emails"] }),
    description: Type.String({ examples: ["The recipient's mail server has taken it."] }),
    example: Type.Object(
      {},
      {
        additionalProperties: true,
        description: "What a call carries.",
        examples: [{ type: "email.delivered", created_at: "2026-03-01T12:00:02.000Z", data: {} }],
      },
    ),
  }),
);

export const replayAnswer = Type.Object({ object: Type.Literal("webhook_replay"), id });
