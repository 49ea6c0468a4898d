import type { App } from "../app.ts";
import { signingKeysOf } from "../domains/service.ts";
import type { Attachment, EmailSource } from "../emails/schema.ts";
import { findSource, listAttachments } from "../emails/store.ts";
import type { ComposeJob, JobAttachment, SubmittedJob } from "../threads/threads.ts";
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
  const { job, size } = due.hasSource
    ? await submitted(app, due, domainId)
    : await composed(app, due, domainId);
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

async function composed(app: App, due: DueDelivery, domainId: string): Promise<Making> {
  const rows = due.hasAttachments ? await listAttachments(app.db, due.email.id) : [];
  return { job: () => composeJob(app, due, domainId, rows), size: estimateBytes(due, rows) };
}

/** Of a message that its client made. What rewrites messages for their recipients finds the bytes in the worker. */
async function submitted(app: App, { email }: DueDelivery, domainId: string): Promise<Making> {
  const source = await findSource(app.db, email.id);
  if (!source) throw new Error("the message that was handed in is missing");
  return {
    job: async () => ({
      submitted: {
        raw: await bytesOf(app, source),
        messageId: email.messageId,
        date: email.createdAt,
      },
      keys: await signingKeysOf(app, domainId),
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
function estimateBytes({ content }: DueDelivery, rows: Attachment[]): number {
  const bodies = (content.html?.length ?? 0) + (content.text?.length ?? 0);
  return bodies + rows.reduce((sum, { size }) => sum + size * 1.4, 0);
}

async function composeJob(
  app: App,
  { email, content }: DueDelivery,
  domainId: string,
  rows: Attachment[],
): Promise<ComposeJob> {
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
    },
    keys: await signingKeysOf(app, domainId),
    signedAt: app.now(),
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
