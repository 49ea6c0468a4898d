import { setTimeout as pause } from "node:timers/promises";
import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";
import { StorageUnavailable } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { done, type Ending, enqueue, type Held, handle } from "../jobs/job.ts";
import { readHeadOnly } from "../mail/head-only.ts";
import type { ReceivedAttachment } from "../mail/parse.ts";
import { perApp } from "../per-app.ts";
import type { ReadJob, ReadMessage } from "../threads/threads.ts";
import { askFor } from "./ask.ts";
import { type Place, readInbound, reportReceived } from "./jobs.ts";
import { withResults } from "./results.ts";
import type { InboundAttachment, InboundEmail } from "./schema.ts";
import { findUnread, insertBody, insertInboundAttachment, markRead } from "./store.ts";

/** How often a message may take the thread that reads it with it. */
const maxTries = 3;

/** Messages larger than this share what memory there is for reading; parsing takes several times their size. */
const bigBytes = 256 * 1024;
const maxBytesAtOnce = 32 * 1024 * 1024;

type Unread = InboundEmail & { bytes: Buffer | null };

/** Reads what came in, off the main thread, and writes down what it says in the batch that ends the job. */
export const readingInbound = handle(readInbound, async (app, { inboundId, place, webhookId }, held) => {
  const row = await patiently(held.signal, () => findUnread(app.db, inboundId));
  if (!row) return done(); // removed meanwhile
  const read = await readOrGiveUp(app, row, held);
  const attachments = await storeAttachments(app, row, read.message.attachments, held);
  return toEnding(app, row, { read, attachments, place, webhookId });
});

interface Outcome {
  read: ReadMessage;
  attachments: InboundAttachment[];
  place: Place;
  webhookId: string | null;
}

function toEnding(app: App, row: Unread, { read, attachments, place, webhookId }: Outcome): Ending {
  const { message, authenticity, report, isAutomatic } = read;
  const isReport = isAboutOurs(place, row.deliveryId, read);
  const results = authenticity?.header ?? "";
  const headers = withResults(message.headers, results, app.config.smtpOutbound.hostname);
  const { id: inboundId, teamId, deliveryId } = row;
  return done([
    markRead({
      id: inboundId,
      kind: isReport ? "report" : "email",
      messageId: message.messageId,
      sender: message.from,
      recipients: message.to,
      cc: message.cc,
      bcc: message.bcc,
      replyTo: message.replyTo,
      subject: message.subject,
      problem: message.problem,
      verdicts: authenticity?.verdicts ?? null,
    }),
    insertBody({ inboundId, headers, html: message.html, text: message.text, results }),
    ...attachments.map((attachment) => insertInboundAttachment(attachment)),
    ...(isReport ? [] : announce(app, row, { read, attachments, webhookId })),
    ...(report || place !== "mailbox"
      ? enqueue(
          app,
          reportReceived,
          { inboundId, report: report ?? null, deliveryId, role: place, isAutomatic },
          { lane: teamId },
        )
      : []),
  ]);
}

/** Only what came where nobody writes, and has the structure of a report, is not somebody's mail. */
function isAboutOurs(place: Place, deliveryId: string | null, { report }: ReadMessage): boolean {
  if (!report) return false;
  return place === "return_path" ? deliveryId !== null : place === "abuse" && report.kind === "complaint";
}

function announce(
  app: App,
  { id, teamId, domainId, receivedFor, createdAt }: Unread,
  { read: { message }, attachments, webhookId }: Omit<Outcome, "place">,
) {
  return recordEvent(app, {
    type: "email.received",
    teamId,
    domainId,
    emailId: id,
    ...(webhookId !== null && { webhookId }),
    data: {
      email_id: id,
      created_at: createdAt.toISOString(),
      from: message.from,
      to: message.to,
      bcc: message.bcc,
      cc: message.cc,
      received_for: receivedFor,
      message_id: message.messageId,
      subject: message.subject,
      attachments: attachments.map((attachment) => ({
        id: attachment.id,
        filename: attachment.filename,
        content_type: attachment.contentType,
        content_disposition: attachment.contentDisposition,
        content_id: attachment.contentId,
      })),
    },
  });
}

/** What cannot be read is kept all the same, with its head and the reason. */
async function readOrGiveUp(app: App, row: Unread, { attempt, signal }: Held): Promise<ReadMessage> {
  // More attempts than tries: the program itself went down with it, or a fault of ours repeats itself.
  if (attempt > maxTries) return headOnly(app, row, signal);
  const read = () => readInTurn(app, row, signal);
  try {
    // One that was not read the first time may be what killed a thread; it must not take its neighbours with it again.
    return await (attempt === 1 ? read() : suspectsOf(app).run(read));
  } catch (error) {
    if (attempt < maxTries || error instanceof StorageUnavailable) throw error;
    app.log.error({ err: error, inbound: row.id }, "a message could not be read; its head alone is shown");
    return headOnly(app, row, signal);
  }
}

async function readInTurn(app: App, row: Unread, signal: AbortSignal): Promise<ReadMessage> {
  const giveBack = row.size > bigBytes ? await budgetOf(app).take(row.size) : undefined;
  try {
    const { remoteAddress: ip, clientName: helo, mailFrom } = row;
    const handover = { ip, helo, mailFrom, host: app.config.smtpOutbound.hostname };
    const raw = await patiently(signal, () => rawOf(app, row));
    return await app.threads.read({ raw, handover }, askFor(app));
  } finally {
    giveBack?.();
  }
}

async function rawOf(app: App, { bytes, blobHash }: Unread): Promise<ReadJob["raw"]> {
  if (bytes) return bytes;
  if (app.blobs.fileOf) return { file: app.blobs.fileOf(blobHash!) };
  const stored = await app.blobs.get(blobHash!);
  if (!stored) throw new Error(`the blob ${blobHash} of a received message is missing`);
  return stored;
}

async function headOnly(app: App, row: Unread, signal: AbortSignal): Promise<ReadMessage> {
  const problem =
    "The message could not be read: only its head is shown here, and the whole can be downloaded.";
  const start = row.bytes ?? (await patiently(signal, () => startOf(app, row.blobHash!)));
  return { message: readHeadOnly(start, problem), isAutomatic: false };
}

const headBytes = 64_000;

async function startOf(app: App, hash: string): Promise<Uint8Array> {
  const stream = await app.blobs.stream(hash, { start: 0, end: headBytes });
  return stream ? new Uint8Array(await new Response(stream).arrayBuffer()) : new Uint8Array();
}

/** Puts attachments into the blob store. */
async function storeAttachments(
  app: App,
  { id: inboundId }: Unread,
  found: ReceivedAttachment[],
  { signal }: Held,
): Promise<InboundAttachment[]> {
  const rows: InboundAttachment[] = [];
  for (const [position, { content, ...about }] of found.entries()) {
    const { hash, size } = await patiently(signal, () => app.blobs.put(content));
    rows.push({ id: newId(), inboundId, position, ...about, size, blobHash: hash });
  }
  return rows;
}

/** A store that is out of reach is waited for: that says nothing about the message, and is none of its tries. */
async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, 10_000)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageUnavailable) || signal.aborted) throw error;
      await pause(delayMs, undefined, { signal });
    }
  }
}

const budgetOf = perApp((): ByteBudget => new ByteBudget(maxBytesAtOnce));

/** One after the other. */
class Line {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}

const suspectsOf = perApp((): Line => new Line());
