/** Accepting an email: everything that happens between a client's request and the one batch that makes it ours. */
import { type App, atomically } from "../app.ts";
import type { Write } from "../db/write.ts";
import { findSendingDomain } from "../domains/service.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { type Address, recipientKey } from "../mail/address.ts";
import { makeMessageId } from "../mail/message-id.ts";
import { suppressedAmong } from "../suppressions/suppress.ts";
import { type StoredContent, storeContent } from "./content.ts";
import { checkDraft, type EmailDraft } from "./draft.ts";
import { findAnswer, type OnceOnly, rememberAnswer } from "./idempotency.ts";
import { deliver } from "./jobs.ts";
import { laneForDomain } from "./lanes.ts";
import type { LastEvent } from "./schema.ts";
import { insertAttachment, insertDelivery, insertEmail } from "./store.ts";

/** On whose behalf an email is sent. */
export interface Sender {
  teamId: string;
  keyId?: string;
  /** The one domain the sender may send from. */
  domainId?: string | null;
}

/** Takes an email. When it returns, the email and the jobs that will deliver it are on disk. */
export async function sendEmail(
  app: App,
  sender: Sender,
  draft: EmailDraft,
  onceOnly?: OnceOnly,
): Promise<{ id: string }> {
  const earlier = onceOnly && (await findAnswer(app, sender.teamId, onceOnly));
  if (earlier) return earlier;
  const { id, writes, content } = await prepareEmail(app, sender, draft);
  const memory = onceOnly ? rememberAnswer(app, sender.teamId, onceOnly, { id }) : [];
  try {
    await atomically(app, [...memory, ...writes]);
  } catch (error) {
    // The same request was under way elsewhere and won: its answer is ours.
    const answer =
      onceOnly && error instanceof WriteConflict && (await findAnswer(app, sender.teamId, onceOnly));
    if (answer) return answer;
    throw error;
  }
  content.isStored();
  return { id };
}

interface PreparedEmail {
  id: string;
  writes: Write[];
  content: StoredContent;
}

/** Checks a draft and gives the writes that accept it. Attachments are in the blob store before they are named. */
async function prepareEmail(app: App, sender: Sender, draft: EmailDraft): Promise<PreparedEmail> {
  const createdAt = app.now();
  const { from, recipients } = checkDraft(draft, createdAt);
  const domain = await permittedDomain(app, sender, from);
  const suppressed = await suppressedAmong(
    app,
    sender.teamId,
    recipients.map(({ address }) => address),
  );

  const { teamId } = sender;
  const id = newId();
  const dueAt = draft.scheduledAt && draft.scheduledAt > createdAt ? draft.scheduledAt : undefined;
  const allSuppressed = recipients.every(({ address }) => suppressed.has(recipientKey(address)));
  const lastEvent: LastEvent = allSuppressed ? "suppressed" : dueAt ? "scheduled" : "queued";
  const content = storeContent(app, { html: draft.html ?? null, text: draft.text ?? null });
  const about = { teamId, emailId: id, domainId: domain.id };

  return {
    id,
    content,
    writes: [
      ...content.writes,
      insertEmail({
        id,
        teamId,
        domainId: domain.id,
        apiKeyId: sender.keyId ?? null,
        messageId: makeMessageId(id, domain.name),
        sender: draft.from,
        recipients: draft.to,
        cc: draft.cc,
        bcc: draft.bcc,
        replyTo: draft.replyTo,
        subject: draft.subject,
        contentId: content.id,
        headers: draft.headers,
        tags: draft.tags,
        topicId: draft.topicId ?? null,
        lastEvent,
        scheduledAt: draft.scheduledAt ?? null,
        createdAt,
      }),
      ...(await storeAttachments(app, id, draft)),
      ...recordEvent(app, { ...about, type: dueAt ? "email.scheduled" : "email.queued" }),
      ...recipients.flatMap((recipient) =>
        suppressed.has(recipientKey(recipient.address))
          ? refuseDelivery(app, about, recipient)
          : startDelivery(app, about, recipient, dueAt ?? createdAt),
      ),
    ],
  };
}

interface About {
  teamId: string;
  emailId: string;
  domainId: string;
}

function startDelivery(
  app: App,
  { teamId, emailId }: About,
  { address, domain }: Address,
  at: Date,
): Write[] {
  const id = newId();
  const row = { id, teamId, emailId, recipient: address, domain, nextAttemptAt: at, settledAt: null };
  return [
    insertDelivery({ ...row, state: "queued", createdAt: app.now() }),
    ...enqueue(app, deliver, { deliveryId: id }, { id, lane: laneForDomain(app, domain), runAt: at }),
  ];
}

function refuseDelivery(app: App, about: About, { address, domain }: Address): Write[] {
  const { teamId, emailId } = about;
  const now = app.now();
  const row = { id: newId(), teamId, emailId, recipient: address, domain };
  return [
    insertDelivery({ ...row, state: "suppressed", nextAttemptAt: null, settledAt: now, createdAt: now }),
    ...recordEvent(app, { ...about, type: "email.suppressed", deliveryId: row.id, recipient: address }),
  ];
}

async function permittedDomain(app: App, sender: Sender, from: Address) {
  const domain = await findSendingDomain(app, sender.teamId, from.domain);
  if (!domain) {
    throw new Refusal(
      "domain_not_verified",
      `The ${from.domain} domain is not verified. Please, add and verify your domain on ${app.config.server.publicUrl}/admin/domains`,
    );
  }
  if (sender.domainId && sender.domainId !== domain.id) {
    throw new Refusal(
      "domain_not_allowed",
      `This API key is not authorized to send emails from ${from.domain}`,
    );
  }
  return domain;
}

async function storeAttachments(app: App, emailId: string, { attachments }: EmailDraft): Promise<Write[]> {
  return Promise.all(
    attachments.map(async ({ filename, contentType, contentId, content }, position) => {
      const { hash, size } = await app.blobs.put(content);
      return insertAttachment({
        id: newId(),
        emailId,
        position,
        filename: filename ?? null,
        contentType: contentType ?? null,
        contentId: contentId ?? null,
        size,
        blobHash: hash,
      });
    }),
  );
}
