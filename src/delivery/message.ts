import type { App } from "../app.ts";
import { signingKeysOf } from "../domains/service.ts";
import type { Attachment } from "../emails/schema.ts";
import { listAttachments } from "../emails/store.ts";
import { trackingBase } from "../emails/tracking.ts";
import type { Tracking } from "../mail/tracking.ts";
import type { ComposeJob, JobAttachment } from "../threads/threads.ts";
import { bigBytes, byteBudget } from "./big-messages.ts";
import type { DueDelivery } from "./store.ts";

/** The bytes of one delivery's message, made when they are wanted, or ahead of it when they are few. */
export interface MessageInMaking {
  bytes(): Promise<Uint8Array>;
  /** To be called when the bytes are not needed any more. */
  release(): void;
}

/** Begins to make a delivery's message. The same delivery gives the same message at every attempt. */
export async function makeMessage(app: App, due: DueDelivery, domainId: string): Promise<MessageInMaking> {
  const rows = due.hasAttachments ? await listAttachments(app.db, due.email.id) : [];
  let giveBack = () => {};
  const compose = async () => app.threads.compose(await composeJob(app, due, domainId, rows));
  const size = estimateBytes(due, rows);
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

/** Base64 makes 4 bytes of 3, and lines of it. */
function estimateBytes({ content }: DueDelivery, rows: Attachment[]): number {
  const bodies = (content.html?.length ?? 0) + (content.text?.length ?? 0);
  return bodies + rows.reduce((sum, { size }) => sum + size * 1.4, 0);
}

async function composeJob(
  app: App,
  due: DueDelivery,
  domainId: string,
  rows: Attachment[],
): Promise<ComposeJob> {
  const { email, content } = due;
  return {
    source: {
      messageId: email.messageId,
      date: email.scheduledAt && email.scheduledAt > email.createdAt ? email.scheduledAt : email.createdAt,
      from: email.sender,
      to: email.recipients,
      cc: email.cc,
      replyTo: email.replyTo,
      subject: email.subject,
      html: content.html ?? undefined,
      text: content.text ?? undefined,
      headers: email.headers,
      attachments: await Promise.all(rows.map((row) => jobAttachment(app, row))),
      tracking: trackingFor(app, due),
    },
    keys: await signingKeysOf(app, domainId),
    signedAt: app.now(),
  };
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
  const file = app.blobs.fileOf?.(blobHash);
  if (file !== undefined) return { ...about, content: { file } };
  const content = await app.blobs.get(blobHash);
  if (!content) throw new Error(`the blob ${blobHash} of an attachment is missing`);
  return { ...about, content };
}
