import type { App } from "../app.ts";
import { signingKeysOf } from "../domains/service.ts";
import type { Attachment, Delivery, Email, EmailSource } from "../emails/schema.ts";
import { findSource, listAttachments } from "../emails/store.ts";
import { trackingBase } from "../emails/tracking.ts";
import { leavingUrl } from "../emails/unsubscribe.ts";
import { recipientKey } from "../mail/address.ts";
import { makeFeedbackId } from "../mail/feedback-id.ts";
import { type Merge, mergedLength, mergeLine } from "../mail/merge.ts";
import { makeMessageId } from "../mail/message-id.ts";
import type { Tracking } from "../mail/tracking.ts";
import { fillLeavingUrl, hasOwnLeaving, leavingHeaders } from "../mail/unsubscribe.ts";
import type { ComposeJob, JobAttachment, SubmittedJob } from "../threads/threads.ts";
import { bigBytes, byteBudget } from "./big-messages.ts";
import type { DueDelivery } from "./store.ts";

/** The sending domain a message is from. */
type MessageDomain = { id: string; name: string };

/** The bytes of one delivery's message, made when they are wanted, or ahead of it when they are few. */
export interface MessageInMaking {
  bytes(): Promise<Uint8Array>;
  /** To be called when the bytes are not needed any more. */
  release(): void;
}

/** Begins to make a delivery's message. The same delivery gives the same message at every attempt. */
export async function makeMessage(
  app: App,
  due: DueDelivery,
  domain: MessageDomain,
): Promise<MessageInMaking> {
  const { job, size } = due.hasSource ? await submitted(app, due, domain) : await composed(app, due, domain);
  let giveBack = () => {};
  const compose = async () => app.threads.compose(await job());
  if (size < bigBytes) {
    const made = compose();
    made.catch(() => {}); // whoever wants the bytes hears of it
    return { bytes: () => made, release() {} };
  }
  // A big one is made only once a connection is there to take it, and only so many at a time.
  let made: Promise<Uint8Array> | undefined;
  let isReleased = false;
  return {
    bytes() {
      made ??= (async () => {
        giveBack = await byteBudget(app).take(size);
        if (!isReleased) return compose();
        giveBack();
        throw new Error("the attempt was over before its message was made");
      })();
      made.catch(() => {});
      return made;
    },
    release() {
      isReleased = true;
      made = undefined;
      giveBack();
    },
  };
}

/** How a message is made, and about how large it becomes. */
interface Making {
  job(): Promise<ComposeJob | SubmittedJob>;
  size: number;
}

async function composed(app: App, due: DueDelivery, domain: MessageDomain): Promise<Making> {
  const rows = due.hasAttachments ? await listAttachments(app.db, due.email.id) : [];
  return { job: () => composeJob(app, due, domain, rows), size: estimateBytes(due, rows) };
}

/** Of a message that its client made. */
async function submitted(app: App, due: DueDelivery, domain: MessageDomain): Promise<Making> {
  const { delivery, email } = due;
  const source = await findSource(app.db, email.id);
  if (!source) throw new Error("the message that was handed in is missing");
  return {
    job: async () => ({
      submitted: {
        raw: await bytesOf(app, source),
        messageId: email.messageId,
        date: email.createdAt,
        feedbackId: feedbackIdOf(app, delivery, email, domain.name),
        tracking: trackingFor(app, due),
      },
      keys: await signingKeysOf(app, domain.id),
      signedAt: app.now(),
    }),
    size: source.size,
  };
}

async function bytesOf(app: App, { raw, blobHash }: EmailSource): Promise<Uint8Array | { file: string }> {
  if (raw !== null) return raw;
  if (blobHash === null) throw new Error("the message that was handed in is nowhere");
  return fileOrBytes(app, blobHash);
}

/** Base64 makes 4 bytes of 3, and lines of it. */
function estimateBytes(due: DueDelivery, rows: Attachment[]): number {
  const { content, email } = due;
  const merge = email.broadcastId === null ? email.merge : mergeOfBroadcast(due);
  const sizeOf = (body: string | null) => (merge ? mergedLength(body ?? "", merge) : (body?.length ?? 0));
  const bodies = sizeOf(content.html) + sizeOf(content.text);
  return bodies + rows.reduce((sum, { size }) => sum + size * 1.4, 0);
}

async function composeJob(
  app: App,
  due: DueDelivery,
  domain: MessageDomain,
  rows: Attachment[],
): Promise<ComposeJob> {
  const { delivery, email } = due;
  const url = leavingUrlOf(app, due);
  return {
    source: {
      ...(email.broadcastId === null ? ofEmail(due, url) : ofBroadcast(due, domain, url ?? "")),
      from: email.sender,
      cc: email.cc,
      replyTo: email.replyTo,
      headers: {
        ...email.headers,
        ...(url !== undefined && !hasOwnLeaving(email.headers) && leavingHeaders(url)),
        ...(!hasFeedbackId(email.headers) && {
          "Feedback-ID": feedbackIdOf(app, delivery, email, domain.name),
        }),
      },
      attachments: await Promise.all(rows.map((row) => jobAttachment(app, row))),
      tracking: trackingFor(app, due),
    },
    keys: await signingKeysOf(app, domain.id),
    signedAt: app.now(),
  };
}

/** Where the recipient leaves: of mail that has something to leave. */
function leavingUrlOf(app: App, { delivery, email }: DueDelivery): string | undefined {
  const { topicId, broadcastId } = email;
  if (topicId === null && broadcastId === null) return undefined;
  const { id: deliveryId, teamId, recipient } = delivery;
  return leavingUrl(app, { teamId, deliveryId, topicId, address: recipientKey(recipient) });
}

/** What a message has in common with those of the email's other recipients. */
function ofEmail({ email, content }: DueDelivery, url: string | undefined) {
  const { merge } = email;
  // Of a template it is a field like the others; in what is none, it alone is.
  const filled = (body: string | null) =>
    body === null ? undefined : url === undefined || merge ? body : fillLeavingUrl(body, url);
  return {
    messageId: email.messageId,
    date: email.scheduledAt && email.scheduledAt > email.createdAt ? email.scheduledAt : email.createdAt,
    to: email.recipients,
    subject: email.subject,
    html: filled(content.html),
    text: filled(content.text),
    merge: merge
      ? { ...merge, values: { ...merge.values, ...(url !== undefined && { RESEND_UNSUBSCRIBE_URL: url }) } }
      : undefined,
  };
}

/**
 * A broadcast's message is one person's: it names nobody else, and has a Message-ID of its own, because hosts that see one
 * twice take the second for a copy.
 */
function ofBroadcast(due: DueDelivery, domain: MessageDomain, url: string) {
  const { delivery, email, content } = due;
  const { values, fallbacks } = mergeOfBroadcast(due);
  const merge: Merge = { values: { ...values, RESEND_UNSUBSCRIBE_URL: url }, fallbacks };
  return {
    messageId: makeMessageId(delivery.id, domain.name),
    date: delivery.createdAt, // when it was to go out, the same at every retry
    to: [delivery.recipient],
    subject: mergeLine(email.subject, merge),
    html: content.html ?? undefined,
    text: content.text ?? undefined,
    merge,
  };
}

function mergeOfBroadcast({ delivery, broadcast }: DueDelivery): Merge {
  const own = Object.entries(delivery.mergeValues ?? {}).map(
    ([name, value]) => [`contact.${name}`, String(value)] as const,
  );
  return { values: Object.fromEntries(own), fallbacks: broadcast?.fallbacks ?? {} };
}

/** Google: a message has only one, or none counts. */
const hasFeedbackId = (headers: Record<string, string>): boolean =>
  Object.keys(headers).some((name) => name.toLowerCase() === "feedback-id");

/** Complaints are counted by what sent it (a broadcast or a key), by its domain and by its team. */
function feedbackIdOf(
  app: App,
  { id: deliveryId }: Pick<Delivery, "id">,
  { apiKeyId, broadcastId, teamId }: Pick<Email, "apiKeyId" | "broadcastId" | "teamId">,
  domain: string,
): string {
  const secret = app.secrets.derive("return-path");
  return makeFeedbackId({ deliveryId, groups: [broadcastId ?? apiKeyId ?? "", domain, teamId], secret });
}

function trackingFor(app: App, { delivery, email: { tracking } }: DueDelivery): Tracking | undefined {
  if (tracking === null) return undefined;
  const base = trackingBase(app, tracking);
  return {
    ...{ opens: tracking.opens, clicks: tracking.clicks, deliveryId: delivery.id, base },
    secret: app.secrets.derive("tracking"),
    ownOrigins: [base, new URL(app.config.server.publicUrl).origin],
  };
}

async function jobAttachment(app: App, row: Attachment): Promise<JobAttachment> {
  const { filename, contentType, contentId, blobHash } = row;
  const about = {
    filename: filename ?? undefined,
    contentType: contentType ?? undefined,
    contentId: contentId ?? undefined,
  };
  return { ...about, content: await fileOrBytes(app, blobHash) };
}

async function fileOrBytes(app: App, blobHash: string): Promise<Uint8Array | { file: string }> {
  const file = app.blobs.fileOf?.(blobHash);
  if (file !== undefined) return { file };
  const content = await app.blobs.get(blobHash);
  if (!content) throw new Error(`the blob ${blobHash} of an email is missing`);
  return content;
}
