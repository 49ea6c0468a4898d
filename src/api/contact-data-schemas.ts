import { Type } from "@sinclair/typebox";
import { stages } from "../people/schema.ts";
import { contactAnswer, segmentsOfContact, topicsOfContact } from "./contact-schemas.ts";
import { listOf } from "./openapi.ts";

const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const moment = Type.Union([time, Type.Null()]);
const text = (example: string) => Type.String({ examples: [example] });
const orNull = (schema: ReturnType<typeof text>) => Type.Union([schema, Type.Null()]);
const addresses = Type.Array(text("ada@example.com"));
const event = Type.Object({
  type: text("email.opened"),
  created_at: time,
  data: Type.Unknown({ examples: [{}] }),
});
const files = Type.Array(
  Type.Object({
    filename: orNull(text("invoice.pdf")),
    content_type: orNull(text("application/pdf")),
    size: Type.Integer(),
  }),
);

/** What is kept of one address; the lists at its end are made as they are read. */
export const personAnswer = Type.Object({
  object: Type.Literal("contact_data"),
  email: text("ada@example.com"),
  contact: Type.Union([contactAnswer, Type.Null()], { description: "Null: it is no contact's address." }),
  segments: segmentsOfContact.properties.data,
  topics: topicsOfContact.properties.data,
  activity: Type.Object(
    { delivered_at: moment, opened_at: moment, clicked_at: moment, bounced_at: moment },
    { description: "When each last happened." },
  ),
  suppression: Type.Union([Type.Object({ reason: text("bounce"), created_at: time }), Type.Null()]),
  broadcasts: Type.Array(
    Type.Object({
      ...{ id, name: text("March") },
      state: text("delivered"),
      created_at: time,
      values: Type.Record(Type.String(), Type.Unknown(), {
        description: "What was filled in for them.",
        examples: [{ first_name: "Ada" }],
      }),
      events: Type.Array(event),
    }),
    { description: "Those that went to them, newest first." },
  ),
  emails: Type.Array(
    Type.Object({
      ...{ id, created_at: time, from: text("Acme <hi@example.com>"), to: addresses, cc: addresses },
      bcc: Type.Array(text("ada@example.com"), { description: "Only theirs." }),
      subject: text("Your invoice"),
      ...{ html: orNull(text("<p>Hello</p>")), text: orNull(text("Hello")) },
      headers: Type.Record(Type.String(), Type.String(), { examples: [{}] }),
      tags: Type.Array(Type.Object({ name: text("kind"), value: text("invoice") })),
      recipient: text("ada@example.com"),
      state: text("delivered"),
      last_reply: orNull(text("250 2.0.0 OK")),
      attempts: Type.Array(
        Type.Object({ created_at: time, host: orNull(text("mx.example.com")), said: text("250 2.0.0 OK") }),
      ),
      attachments: files,
    }),
    { description: "Those to them that were no broadcasts, oldest first." },
  ),
  received: Type.Array(
    Type.Object({
      ...{ id, created_at: time, from: text("Ada <ada@example.com>"), to: addresses, subject: text("Hello") },
      ...{ html: orNull(text("<p>Hello</p>")), text: orNull(text("Hello")) },
      attachments: files,
    }),
    { description: "What they sent, and reports about what was sent to them, oldest first." },
  ),
  events: Type.Array(Type.Object({ id, ...event.properties, email_id: Type.Union([id, Type.Null()]) }), {
    description: "What happened, oldest first; endpoints were told of it.",
  }),
  requests: Type.Array(Type.Object({ id, created_at: time, method: text("POST"), path: text("/emails") }), {
    description: "Requests of the API that name them, while they are kept.",
  }),
  import_errors: Type.Array(
    Type.Object({
      import_id: id,
      line: Type.Integer(),
      message: text("`ada@example` is not an email address"),
    }),
  ),
});

export const erasureAnswer = Type.Object({
  object: Type.Literal("contact_erasure"),
  id,
  status: Type.Union([Type.Literal("in_progress"), Type.Literal("completed")]),
  stage: Type.Union(
    stages.map((stage) => Type.Literal(stage)),
    { description: "What is being walked through, in this order." },
  ),
  progress: Type.Number({ description: "From 0 to 1, by stages." }),
  counts: Type.Object({
    contacts: Type.Integer(),
    canceled: Type.Integer({ description: "Emails to them that had not gone out, and will not." }),
    emails: Type.Integer({ description: "Emails to them alone, which are gone." }),
    shared_emails: Type.Integer({
      description: "Emails to others too and broadcasts, in which they are nobody now.",
    }),
    received: Type.Integer(),
    events: Type.Integer(),
    requests: Type.Integer(),
    import_errors: Type.Integer(),
  }),
  created_at: time,
  completed_at: moment,
});
export const erasureList = listOf(erasureAnswer);
