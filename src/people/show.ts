/** What is kept of one person besides their contact, read as fast as somebody takes it, in bounded memory. */
import { setImmediate } from "node:timers/promises";
import { inArray, sql } from "drizzle-orm";
import type { App } from "../app.ts";
import { attempts } from "../delivery/schema.ts";
import { asMerged } from "../emails/made-from-template.ts";
import type { Attachment, Delivery } from "../emails/schema.ts";
import { deliveries } from "../emails/schema.ts";
import { type EmailWithContent, findEmail, listAttachments } from "../emails/store.ts";
import { findReceived as findReceivedEmail, listAttachmentsOf } from "../inbound/received-store.ts";
import type { InboundAttachment, InboundBody, InboundEmail } from "../inbound/schema.ts";
import {
  type EventOn,
  findEvents,
  findImportErrors,
  findReceived,
  findRequests,
  findSent,
  type ImportError,
  nextImport,
  type Request,
} from "./find.ts";
import { logsOf, nextSlice, type Slice, type Walked, walked } from "./slices.ts";
import { nobody, type Trace } from "./trace.ts";

export interface ShownEmail {
  email: EmailWithContent;
  delivery: Delivery;
  attempts: { said: string; host: string | null; startedAt: Date }[];
  attachments: Attachment[];
}

/** Emails to them that were no broadcasts, oldest first. Of the blind copies only theirs is told. */
export async function* emailsTo(app: App, teamId: string, trace: Trace): AsyncGenerator<ShownEmail> {
  for await (const slice of slicesOf(app, walked.deliveries)) {
    const sent = await findSent(app.db, teamId, trace, slice, nobody);
    for (const { id, emailId, isBroadcast } of sent) {
      if (isBroadcast) continue;
      const email = await findEmail(app.db, teamId, emailId);
      const delivery = await app.db.select().from(deliveries).where(sql`id = ${id}`).get();
      if (!email || !delivery) continue; // erased meanwhile
      const bcc = email.bcc.filter((each) => trace.isTheirs(each));
      yield {
        email: { ...(await asMerged(app, email)), bcc },
        delivery,
        attempts: await app.db
          .select({ said: attempts.said, host: attempts.host, startedAt: attempts.startedAt })
          .from(attempts)
          .where(inArray(attempts.deliveryId, [id])),
        attachments: await listAttachments(app.db, emailId),
      };
    }
  }
}

export interface ShownReceived {
  row: InboundEmail;
  body: InboundBody;
  attachments: InboundAttachment[];
}

/** Mail they sent us, oldest first, and reports about what was sent to them. */
export async function* receivedFrom(app: App, teamId: string, trace: Trace): AsyncGenerator<ShownReceived> {
  for await (const slice of slicesOf(app, walked.inbound)) {
    for (const { id } of await findReceived(app.db, teamId, trace, slice)) {
      const found = await findReceivedEmail(app.db, teamId, id);
      if (found) yield { ...found, attachments: await listAttachmentsOf(app.db, [id]) };
    }
  }
}

/** Events about them, oldest first. */
export async function* eventsAbout(app: App, teamId: string, trace: Trace): AsyncGenerator<EventOn> {
  for await (const slice of slicesOf(app, walked.events)) {
    const found = await findEvents(app.db, teamId, trace, slice);
    yield* found.filter(({ isTheirs }) => isTheirs);
  }
}

/** Requests of the API that name them, oldest first. */
export async function* requestsNaming(app: App, teamId: string, trace: Trace): AsyncGenerator<Request> {
  for await (const slice of slicesOf(app, logsOf(teamId))) {
    yield* await findRequests(app.db, teamId, trace, slice);
  }
}

/** Rows of files that name them and could not be taken. */
export async function* importErrorsNaming(
  app: App,
  teamId: string,
  trace: Trace,
): AsyncGenerator<ImportError & { importId: string }> {
  for (let after = ""; ; ) {
    const importId = await nextImport(app.db, teamId, after);
    if (importId === undefined) return;
    for (const error of await findImportErrors(app.db, importId, trace)) yield { ...error, importId };
    after = importId;
  }
}

async function* slicesOf(app: App, table: Walked): AsyncGenerator<Slice> {
  for (let after = ""; ; ) {
    const slice = await nextSlice(app.db, table, after);
    if (!slice) return;
    yield slice;
    after = slice.to;
    await setImmediate(); // other work gets its turn
  }
}
