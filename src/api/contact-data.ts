/** What is kept of one person: given out, and erased. */
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getBroadcastsTo, type SentBroadcast } from "../broadcasts/person.ts";
import { getPerson, type Person } from "../contacts/person.ts";
import { propertiesOf } from "../contacts/properties.ts";
import type { ContactProperty } from "../contacts/schema.ts";
import { streamedAnswer } from "../csv/streamed-answer.ts";
import { addressOf, getErasure, getErasures, startErasure } from "../people/erase.ts";
import type { EventOn } from "../people/find.ts";
import { type Erasure, stages } from "../people/schema.ts";
import {
  emailsTo,
  eventsAbout,
  importErrorsNaming,
  receivedFrom,
  requestsNaming,
  type ShownEmail,
  type ShownReceived,
} from "../people/show.ts";
import { Trace } from "../people/trace.ts";
import { authenticated } from "./auth.ts";
import { toContact, toSegmentItem } from "./contact-answers.ts";
import { erasureAnswer, erasureList, personAnswer } from "./contact-data-schemas.ts";
import { listAnswer, pageQuery, readPage } from "./list.ts";
import { answer, errorAnswers } from "./openapi.ts";

const tags = ["Contacts"];

export const contactDataRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:idOrEmail/data",
      async ({ caller, params, request, server }) => {
        server?.timeout(request, 0); // as long as somebody reads
        const address = await addressOf(app, caller.teamId, params.idOrEmail);
        const pieces = documentOf(app, caller.teamId, address);
        return streamedAnswer(pieces, { "content-type": "application/json; charset=utf-8" });
      },
      {
        detail: {
          summary: "Get all that is kept of a person, for whoever asks what is known of them",
          description:
            "By the address, whether there is a contact of it or not, or by the contact's id. The tables are walked while the answer is read, which takes a second for each million emails or so.",
          tags,
          responses: { 200: answer("Everything with the address", personAnswer), ...errorAnswers },
        },
      },
    )
    .delete(
      "/:idOrEmail/data",
      async ({ caller, params, set }) => {
        set.status = 202;
        return toErasure(await startErasure(app, caller.teamId, params.idOrEmail));
      },
      {
        detail: {
          summary: "Erase all that is kept of a person",
          description:
            "Works on afterwards: the contact, emails to them and what came of those, mail from them, events, logged requests. What they share with others keeps the others. A suppression stays, and who had unsubscribed from everything becomes one, so that nobody writes to them again by mistake.",
          tags,
          responses: { 202: answer("It has begun", erasureAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/erasures",
      async ({ caller, query }) => {
        const page = readPage(query, "paged");
        return listAnswer(await getErasures(app, caller.teamId, page), page, toErasure);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List erasures",
          description: "Whom they were about is not kept.",
          tags,
          responses: { 200: answer("A page, newest first", erasureList), ...errorAnswers },
        },
      },
    )
    .get(
      "/erasures/:id",
      async ({ caller, params }) => toErasure(await getErasure(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Get an erasure, and how far it is",
          tags,
          responses: { 200: answer("The erasure", erasureAnswer), ...errorAnswers },
        },
      },
    );

const toErasure = ({ id, stage, counts, createdAt, completedAt }: Erasure) => ({
  object: "contact_erasure" as const,
  id,
  status: completedAt ? ("completed" as const) : ("in_progress" as const),
  stage,
  progress: completedAt ? 1 : stages.indexOf(stage) / stages.length,
  counts,
  created_at: createdAt.toISOString(),
  completed_at: completedAt?.toISOString() ?? null,
});

/** One JSON object, piece by piece. */
async function* documentOf(app: App, teamId: string, address: string): AsyncGenerator<string> {
  const trace = new Trace(address);
  const person = await getPerson(app, teamId, address);
  const broadcasts = await getBroadcastsTo(app, { teamId, email: address });
  const head = toPerson(address, person, broadcasts, await propertiesOf(app.db, teamId));
  yield JSON.stringify(head).slice(0, -1);
  yield* list("emails", emailsTo(app, teamId, trace), toEmail);
  yield* list("received", receivedFrom(app, teamId, trace), toReceived);
  yield* list("events", eventsAbout(app, teamId, trace), toEvent);
  yield* list("requests", requestsNaming(app, teamId, trace), ({ id, createdAt, method, path }) => ({
    ...{ id, created_at: createdAt.toISOString(), method, path },
  }));
  yield* list("import_errors", importErrorsNaming(app, teamId, trace), ({ importId, line, message }) => ({
    ...{ import_id: importId, line, message },
  }));
  yield "}";
}

async function* list<Row>(
  name: string,
  rows: AsyncGenerator<Row>,
  toAnswer: (row: Row) => unknown,
): AsyncGenerator<string> {
  yield `,"${name}":[`;
  let separator = "";
  for await (const row of rows) {
    yield separator + JSON.stringify(toAnswer(row));
    separator = ",";
  }
  yield "]";
}

const toPerson = (
  email: string,
  { contact, segments, topics, activity, suppression }: Person,
  broadcasts: SentBroadcast[],
  definitions: Map<string, ContactProperty>,
) => ({
  object: "contact_data" as const,
  email,
  contact: contact ? toContact(contact, definitions) : null,
  segments: segments.map(toSegmentItem),
  topics: topics.map(({ id, name, description, subscription }) => ({ id, name, description, subscription })),
  activity: {
    delivered_at: activity?.deliveredAt?.toISOString() ?? null,
    opened_at: activity?.openedAt?.toISOString() ?? null,
    clicked_at: activity?.clickedAt?.toISOString() ?? null,
    bounced_at: activity?.bouncedAt?.toISOString() ?? null,
  },
  suppression: suppression
    ? { reason: suppression.reason, created_at: suppression.createdAt.toISOString() }
    : null,
  broadcasts: broadcasts.map(({ id, name, state, createdAt, values, events }) => ({
    ...{ id, name, state, created_at: createdAt.toISOString(), values },
    events: events.map((each) => ({
      type: each.type,
      created_at: each.createdAt.toISOString(),
      data: each.data,
    })),
  })),
});

const toFile = (file: { filename: string | null; contentType: string | null; size: number }) => ({
  filename: file.filename,
  content_type: file.contentType,
  size: file.size,
});

const toEmail = ({ email, delivery, attempts, attachments }: ShownEmail) => ({
  ...{ id: email.id, created_at: email.createdAt.toISOString(), from: email.sender, to: email.recipients },
  ...{ cc: email.cc, bcc: email.bcc, subject: email.subject, html: email.html, text: email.text },
  ...{ headers: email.headers, tags: email.tags, recipient: delivery.recipient, state: delivery.state },
  last_reply: delivery.lastReply,
  attempts: attempts.map(({ said, host, startedAt }) => ({
    ...{ created_at: startedAt.toISOString(), host, said },
  })),
  attachments: attachments.map(toFile),
});

const toReceived = ({ row, body, attachments }: ShownReceived) => ({
  ...{ id: row.id, created_at: row.createdAt.toISOString(), from: row.sender, to: row.recipients },
  ...{ subject: row.subject, html: body.html, text: body.text, attachments: attachments.map(toFile) },
});

const toEvent = ({ id, type, createdAt, data, emailId }: EventOn) => ({
  ...{ id, type, created_at: createdAt.toISOString(), data: JSON.parse(data) as unknown, email_id: emailId },
});
