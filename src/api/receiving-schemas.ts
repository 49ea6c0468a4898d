import { Type } from "@sinclair/typebox";
import { t } from "elysia";
import { webhookEventStatuses } from "../webhooks/schema.ts";
import { pageQuery } from "./list.ts";
import { listOf, searchedListOf } from "./openapi.ts";

export const receivedQuery = t.Object(
  {
    ...pageQuery.properties,
    kind: t.Optional(
      t.Union([t.Literal("email"), t.Literal("report")], {
        description:
          'It must be "email", or "report" for what mail servers and recipients said of mail you sent.',
      }),
    ),
    search: t.Optional(
      t.String({
        description: "A part of the sender, of a recipient or of the subject.",
        examples: ["invoice"],
      }),
    ),
  },
  { additionalProperties: true },
);

export const wholeQuery = t.Object(
  {
    html_format: t.Optional(
      t.Union([t.Literal("data_uri"), t.Literal("cid")], {
        description:
          'It must be "data_uri" for pictures inside the html (the default), or "cid" for links to attachments.',
      }),
    ),
  },
  { additionalProperties: true },
);

const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Union([schema, Type.Null()]);
const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const text = Type.String();
const addresses = Type.Array(text);
const disposition = Type.Union([Type.Literal("inline"), Type.Literal("attachment")]);

const file = {
  id,
  filename: orNull(text),
  size: Type.Integer({ description: "In bytes." }),
  content_type: text,
  content_disposition: disposition,
  content_id: orNull(text),
};
const link = {
  download_url: Type.String({ format: "uri", description: "Needs no key, until `expires_at`." }),
  expires_at: time,
};

const summary = {
  id,
  to: addresses,
  from: text,
  created_at: time,
  subject: text,
  bcc: addresses,
  cc: addresses,
  reply_to: addresses,
  received_for: Type.Array(text, {
    description: "The addresses it was taken for.",
    examples: [["support@example.com"]],
  }),
  message_id: Type.String({ description: "Empty where it came without one." }),
  attachments: Type.Array(Type.Object(file)),
};

const result = Type.String({ description: "As in RFC 8601.", examples: ["pass"] });
const reason = Type.Optional(Type.String({ description: "Where there is more to say.", examples: ["good"] }));
const domain = Type.Optional(Type.String());
const verdicts = Type.Object({
  spf: Type.Object({ result, reason, domain }),
  dkim: Type.Array(
    Type.Object({
      result,
      reason,
      domain: Type.String(),
      selector: Type.String({ examples: ["mailit"] }),
      is_aligned: Type.Boolean(),
    }),
    { description: "One for each signature." },
  ),
  dmarc: Type.Object({
    result,
    reason,
    domain,
    policy: Type.Optional(
      Type.String({ description: "What the domain asks for when the check fails.", examples: ["reject"] }),
    ),
  }),
  arc: Type.Object({ result, reason }),
});

export const receivedList = searchedListOf(Type.Object(summary), id);

export const receivedAnswer = Type.Object({
  object: Type.Literal("email"),
  ...summary,
  html: orNull(text),
  html_format: Type.Union([Type.Literal("data_uri"), Type.Literal("cid")], {
    description: "What `html` is: `cid` too where it would be over 100 MB with its pictures inside.",
  }),
  text: orNull(text),
  headers: Type.Record(text, text, {
    description: "Names in lower case; values of a repeated header on lines of their own.",
    examples: [{ "return-path": "<bob@elsewhere.org>", "mime-version": "1.0" }],
  }),
  raw: Type.Object(link, { description: "The message as it came, under what was found of its origin." }),
  kind: Type.Union([Type.Literal("email"), Type.Literal("report")]),
  mail_from: Type.String({ description: "The envelope sender; empty for bounces." }),
  remote_address: Type.String({ examples: ["192.0.2.25"] }),
  client_name: Type.String({
    description: "What the host that handed it over called itself.",
    examples: ["mail.elsewhere.org"],
  }),
  tls: orNull(
    Type.String({ description: "Null in plaintext.", examples: ["TLSv1.3 TLS_AES_256_GCM_SHA384"] }),
  ),
  delivery_id: orNull(
    Type.String({ format: "uuid", description: "The delivery of yours whose return path it came to." }),
  ),
  verdicts: orNull(verdicts),
  problem: orNull(
    Type.String({
      description: "Why it could not be read whole.",
      examples: ["The message could not be read whole: it has too many parts"],
    }),
  ),
  size: Type.Integer({ description: "Of the message as it came, in bytes." }),
});

export const removedAnswer = Type.Object({
  object: Type.Literal("email"),
  id,
  deleted: Type.Literal(true),
});

export const toldList = listOf(
  Type.Object({
    object: Type.Literal("webhook_event"),
    id: Type.String({ examples: ["msg_019ad1c45a3e7c609f8b3f0a6f1d2c4b"] }),
    webhook_id: id,
    endpoint: Type.String({ examples: ["https://example.com/webhooks"] }),
    type: Type.Union([Type.Literal("email.received"), Type.Literal("email.inbound")]),
    status: Type.Union(webhookEventStatuses.map((each) => Type.Literal(each))),
    attempts: Type.Integer({ description: "How often it was called." }),
  }),
);

const linkedFile = { ...file, ...link };
export const receivedFileList = listOf(Type.Object(linkedFile));
export const receivedFileAnswer = Type.Object({ object: Type.Literal("attachment"), ...linkedFile });
