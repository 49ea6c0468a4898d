import { Type as t } from "@sinclair/typebox";
import { lastEvents } from "../emails/schema.ts";
import { searchedListOf } from "./openapi.ts";

const orNull = <T extends Parameters<typeof t.Union>[0][number]>(schema: T) => t.Union([schema, t.Null()]);
const oneOrMany = t.Union([t.String(), t.Array(t.String(), { maxItems: 50 })]);

/** The request of `POST /emails` as the OpenAPI document shows it; `readEmailRequest` is what reads it. */
export const sendRequest = t.Object(
  {
    from: t.Optional(t.String({ description: "Required unless a template gives it." })),
    to: oneOrMany,
    subject: t.Optional(t.String({ description: "Required unless a template gives it." })),
    html: t.Optional(t.String()),
    text: t.Optional(t.String({ description: "Made from the html when absent; empty for none." })),
    template: t.Optional(
      t.Object(
        {
          id: t.String({ description: "Of a published template; its alias is taken too." }),
          variables: t.Optional(t.Record(t.String(), t.Union([t.String(), t.Number()]))),
        },
        { description: "Instead of `html` and `text`." },
      ),
    ),
    cc: t.Optional(oneOrMany),
    bcc: t.Optional(oneOrMany),
    reply_to: t.Optional(oneOrMany),
    headers: t.Optional(t.Record(t.String(), t.String())),
    scheduled_at: t.Optional(
      t.String({
        description: "ISO 8601, or words such as `in 1 hour` or `tomorrow at 9am`; at most 30 days ahead.",
      }),
    ),
    tags: t.Optional(t.Array(t.Object({ name: t.String(), value: t.String() }))),
    topic_id: t.Optional(orNull(t.String({ format: "uuid" }))),
    attachments: t.Optional(
      t.Array(
        t.Object({
          filename: t.Optional(t.String()),
          content: t.Optional(
            t.Union([t.String({ description: "Base64." }), t.Array(t.Integer({ minimum: 0, maximum: 255 }))]),
          ),
          path: t.Optional(t.String({ description: "A URL to fetch it from, where there is no `content`." })),
          content_type: t.Optional(t.String()),
          content_id: t.Optional(t.String({ description: "Shown inline, as `cid:…`.", maxLength: 127 })),
        }),
      ),
    ),
  },
  {
    examples: [
      {
        from: "Acme <hello@example.com>",
        to: "ada@example.net",
        subject: "Hello",
        html: "<p>It works.</p>",
      },
    ],
  },
);

export const sendAnswer = t.Object({ id: t.String({ format: "uuid" }) });

const item = {
  id: t.String({ format: "uuid" }),
  message_id: t.String(),
  to: t.Array(t.String()),
  from: t.String(),
  created_at: t.String({ format: "date-time" }),
  subject: t.String(),
  bcc: orNull(t.Array(t.String())),
  cc: orNull(t.Array(t.String())),
  reply_to: orNull(t.Array(t.String())),
  last_event: t.Union(lastEvents.map((event) => t.Literal(event))),
  scheduled_at: orNull(t.String({ format: "date-time" })),
  topic_id: orNull(t.String()),
};

export const emailList = searchedListOf(
  t.Object({
    ...item,
    broadcast_recipient: t.Optional(
      t.Object(
        { id: item.id, broadcast_id: item.id },
        {
          description:
            "Of a broadcast that a search has found by a recipient's whole address, or by the Message-ID of their copy: the item is then that copy, and `GET /broadcasts/{broadcast_id}/recipients/{id}` tells of it.",
        },
      ),
    ),
  }),
  item.id,
);

export const contentRemovedAt = t.Optional(
  t.String({
    format: "date-time",
    description:
      "When its bodies and attachments were removed: the server keeps them for as long as its `retention.content` says. Absent while they are there.",
  }),
);

export const emailAnswer = t.Object({
  object: t.Literal("email"),
  ...item,
  html: orNull(t.String()),
  text: orNull(t.String()),
  tags: t.Array(t.Object({ name: t.String(), value: t.String() })),
  content_removed_at: contentRemovedAt,
});

export const emailOriginAnswer = t.Object({
  object: t.Literal("email_origin"),
  id: item.id,
  domain_id: orNull(t.String({ format: "uuid" })),
  api_key_id: orNull(t.String({ format: "uuid", description: "Of the key it was sent with." })),
  broadcast_id: orNull(
    t.String({ format: "uuid", description: "The broadcast it is; its recipients are told there." }),
  ),
  from_template: t.Boolean({ description: "Whether it was made from a template." }),
});
