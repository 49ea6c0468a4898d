import { type TSchema, Type } from "@sinclair/typebox";
import { type Static, t } from "elysia";
import type { BroadcastFields } from "../broadcasts/draft.ts";
import { bounceTypes, recipientTypes } from "../broadcasts/recipients.ts";
import { broadcastStatuses } from "../broadcasts/schema.ts";
import { deliveryStates } from "../emails/schema.ts";
import { pageQuery } from "./list.ts";
import { numberedPageQuery } from "./numbered.ts";
import { listOf, searchedListOf } from "./openapi.ts";

const optional = <S extends Parameters<typeof t.Union>[0][number]>(schema: S, description: string) =>
  t.Optional(t.Union([schema, t.Null()], { description }));

const uuid = "019ad1c4-5a3e-7c60-9f8b-3f0a6f1d2c4b";
const time = "ISO 8601, or in words; at most 30 days ahead.";
const fields = {
  name: t.Optional(t.String({ description: "Only for its authors.", examples: ["March"] })),
  segment_id: t.Optional(t.String({ description: "Whom it goes to.", examples: [uuid] })),
  audience_id: t.Optional(t.String({ description: "The older name of `segment_id`.", examples: [uuid] })),
  topic_id: optional(t.String(), "Whoever has left this topic is left out."),
  from: t.Optional(t.String({ description: "An address of a verified domain of yours." })),
  subject: t.Optional(t.String({ description: "It may have merge fields, as html and text may." })),
  reply_to: optional(
    t.Union([t.String(), t.Array(t.String())]),
    "It must be an address or a list of addresses.",
  ),
  preview_text: optional(
    t.String({ examples: ["What is new in March"] }),
    "What lists of mail show behind the subject.",
  ),
  html: optional(
    t.String({
      examples: ['<p>Hi {{{contact.first_name|there}}}</p><a href="{{{RESEND_UNSUBSCRIBE_URL}}}">Leave</a>'],
    }),
    "It must be a string.",
  ),
  text: optional(t.String(), "Made from the html when absent."),
  messages_per_minute: optional(
    t.Integer({ minimum: 1 }),
    "At most; as fast as the hosts take them when absent.",
  ),
};
export const changes = t.Object(fields, { additionalProperties: true });
export const creation = t.Object(
  {
    ...fields,
    template_id: optional(
      t.String({ examples: ["newsletter"] }),
      "A published template, by id or alias, in place of html and text.",
    ),
    send: t.Optional(t.Boolean({ description: "Sends it at once, or at `scheduled_at`." })),
    scheduled_at: optional(t.String({ examples: ["in 1 hour"] }), time),
  },
  { additionalProperties: true },
);
export const sending = t.Object(
  { scheduled_at: optional(t.String({ examples: ["tomorrow at 9am"] }), time) },
  { additionalProperties: true },
);

export function toNewFields(body: Static<typeof creation>): BroadcastFields {
  return { ...toFields(body), templateId: body.template_id ?? undefined };
}

export function toFields(body: Static<typeof changes>): BroadcastFields {
  const { reply_to: replyTo } = body;
  return {
    name: body.name,
    segmentId: body.segment_id ?? body.audience_id,
    topicId: body.topic_id,
    from: body.from,
    subject: body.subject,
    replyTo: replyTo === undefined ? undefined : [replyTo ?? []].flat(),
    previewText: body.preview_text,
    html: body.html,
    text: body.text,
    ratePerMinute: body.messages_per_minute,
  };
}

/** A list of broadcasts may be held to one status. */
export const listQuery = t.Object(
  {
    ...numberedPageQuery.properties,
    status: t.Optional(t.Union(broadcastStatuses.map((status) => t.Literal(status)))),
    search: t.Optional(
      t.String({ description: "A part of the name or of the subject.", examples: ["news"] }),
    ),
  },
  { additionalProperties: true },
);
const whose = t.Optional(
  t.String({
    description: "A contact by id or address; the newest of its segment when absent.",
    examples: ["ada@example.com"],
  }),
);
export const previewRequest = t.Object(
  {
    contact: whose,
    content: t.Optional(
      t.Object(fields, {
        additionalProperties: true,
        description: "An edit that is not saved, in place of what it says.",
      }),
    ),
  },
  { additionalProperties: true },
);
export const testRequest = t.Object(
  {
    to: t.Union([t.String(), t.Array(t.String(), { maxItems: 50 })], {
      description: "It must be an address or a list of addresses.",
    }),
    contact: whose,
  },
  { additionalProperties: true },
);

const oneOf = (words: readonly string[]) => t.Union(words.map((word) => t.Literal(word)));
export const recipientQuery = t.Object(
  {
    ...pageQuery.properties,
    type: oneOf(recipientTypes),
    email: t.Optional(t.String({ description: "Only this recipient." })),
    bounce_type: t.Optional(oneOf(bounceTypes)),
  },
  { additionalProperties: true },
);

const id = Type.String({ format: "uuid" });
const date = Type.String({ format: "date-time" });
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
const cursor = Type.String({ description: "Opaque: for `after` and `before`.", examples: [uuid] });
const item = {
  id,
  name: Type.String({ examples: ["March"] }),
  audience_id: id,
  segment_id: id,
  status: Type.Union(broadcastStatuses.map((status) => Type.Literal(status))),
  created_at: date,
  scheduled_at: orNull(date),
  sent_at: orNull(date),
  topic_id: orNull(id),
};
const progress = Type.Object(
  {
    recipients: Type.Integer(),
    delivered: Type.Integer(),
    bounced: Type.Integer(),
    failed: Type.Integer(),
    suppressed: Type.Integer(),
    canceled: Type.Integer({ description: "Whom it had not been sent to when it was canceled." }),
    complained: Type.Integer(),
    unsubscribed: Type.Integer(),
    opened: Type.Integer(),
    clicked: Type.Integer(),
    skipped_unsubscribed: Type.Integer({ description: "Contacts that wanted none of it when it began." }),
  },
  { description: "How far it is, in recipients." },
);

const object = Type.Literal("broadcast");
export const reference = Type.Object({ object, id });
export const deleted = Type.Object({ object, id, deleted: Type.Literal(true) });
export const previewAnswer = Type.Object({
  object: Type.Literal("broadcast_preview"),
  id,
  contact_id: orNull(id),
  from: Type.String(),
  subject: Type.String(),
  reply_to: orNull(Type.Array(Type.String({ examples: ["support@example.com"] }))),
  html: orNull(Type.String()),
  text: orNull(Type.String()),
  has_unsubscribe_link: Type.Boolean({ description: "Whether all its bodies hold the unsubscribe link." }),
});
export const audienceAnswer = Type.Object({
  object: Type.Literal("broadcast_audience"),
  recipients: Type.Integer({ description: "Whom it would be sent to now." }),
  contacts: Type.Integer({ description: "Everybody in the segment; those below are left out." }),
  unsubscribed: Type.Integer(),
  not_in_topic: Type.Integer(),
  suppressed: Type.Integer(),
});
export const broadcastList = searchedListOf(Type.Object(item), id);
export const broadcastAnswer = Type.Object({
  object,
  ...item,
  from: Type.String(),
  subject: Type.String(),
  reply_to: orNull(Type.Array(Type.String({ examples: ["support@example.com"] }))),
  preview_text: orNull(Type.String({ examples: ["What is new in March"] })),
  html: orNull(Type.String()),
  text: orNull(Type.String()),
  messages_per_minute: orNull(Type.Integer()),
  problem: orNull(
    Type.String({
      description: "Why it could not be sent.",
      examples: ["The example.com domain is not verified."],
    }),
  ),
  started_at: orNull(date),
  expected_end_at: orNull(
    Type.String({
      format: "date-time",
      description:
        "When the last recipient has their turn at this rate; null where it has none, and while that is not known.",
    }),
  ),
  updated_at: date,
  progress,
});
export const recipientList = listOf(
  Type.Object({
    id: cursor,
    contact_id: orNull(id),
    email: Type.String(),
    state: Type.Optional(
      Type.Union(
        deliveryStates.map((state) => Type.Literal(state)),
        { description: "With `type=all`." },
      ),
    ),
    last_reply: Type.Optional(
      orNull(
        Type.String({
          description: "With `type=all`: what the host said last, or in our words why none did.",
          examples: ["550 5.1.1 No such user"],
        }),
      ),
    ),
    count: Type.Optional(Type.Integer({ description: "How often; of opens and clicks." })),
    clicked_links: Type.Optional(Type.Array(Type.Object({ url: Type.String(), clicks: Type.Integer() }))),
    bounce_type: Type.Optional(Type.Union(bounceTypes.map((type) => Type.Literal(type)))),
  }),
);
export const clickedLinkList = listOf(
  Type.Object({ id: cursor, url: Type.String(), clicks: Type.Integer(), unique_clicks: Type.Integer() }),
);
