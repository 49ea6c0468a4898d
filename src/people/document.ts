/** What is kept of one person as it is given out: whole, and made no faster than somebody reads. */
import { type App, leaveTrace, requireRole } from "../app.ts";
import { getBroadcastsTo, type SentBroadcast } from "../broadcasts/person.ts";
import { getPerson, type Person } from "../contacts/person.ts";
import { propertiesOf } from "../contacts/properties.ts";
import type { ContactProperty } from "../contacts/schema.ts";
import { toContact, toSegmentItem } from "../contacts/told.ts";
import { withoutInvitationLink } from "../emails/invitation-link.ts";
import { addressOf } from "./erase.ts";
import type { EventOn } from "./find.ts";
import {
  emailsTo,
  eventsAbout,
  importErrorsNaming,
  receivedFrom,
  requestsNaming,
  type ShownEmail,
  type ShownReceived,
} from "./show.ts";
import { Trace } from "./trace.ts";

/**
 * Gives out everything of one person. That it was given out is in the audit log before they read: it takes more than a
 * look, and whoever may only look is refused.
 */
export async function giveOut(app: App, teamId: string, idOrEmail: string): Promise<AsyncGenerator<string>> {
  const address = await addressOf(app, teamId, idOrEmail);
  requireRole(app, "developer");
  await leaveTrace(app);
  return documentOf(app, teamId, address);
}

/** Everything with an address, as one JSON object, piece by piece. */
export async function* documentOf(app: App, teamId: string, address: string): AsyncGenerator<string> {
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

function toReceived({ row, body, attachments }: ShownReceived) {
  const { html, text } = withoutInvitationLink(body); // they may have answered one and quoted it
  return {
    ...{ id: row.id, created_at: row.createdAt.toISOString(), from: row.sender, to: row.recipients },
    ...{ subject: row.subject, html, text, attachments: attachments.map(toFile) },
  };
}

const toEvent = ({ id, type, createdAt, data, emailId }: EventOn) => ({
  ...{ id, type, created_at: createdAt.toISOString(), data: JSON.parse(data) as unknown, email_id: emailId },
});
