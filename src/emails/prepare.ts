/** Turns emails that may be sent into the writes that accept them. */
import type { App } from "../app.ts";
import { tellUnwanted, type Unwanted, unwantedAmong } from "../contacts/consent.ts";
import type { Write } from "../db/write.ts";
import { type NewEvent, recordMany } from "../events/record.ts";
import { newId } from "../ids.ts";
import { enqueueAll, type JobWish } from "../jobs/job.ts";
import { type Address, recipientKey } from "../mail/address.ts";
import { makeMessageId } from "../mail/message-id.ts";
import type { SuppressionReason } from "../suppressions/schema.ts";
import { suppressedAmong } from "../suppressions/suppress.ts";
import { tellSuppression } from "../suppressions/told.ts";
import type { AdmittedEmail, Sender } from "./admit.ts";
import { attachmentStore } from "./attach.ts";
import { type ContentsOfWrite, storeContent } from "./content.ts";
import type { EmailDraft } from "./draft.ts";
import { deliver } from "./jobs.ts";
import { laneForDomain } from "./lanes.ts";
import type { LastEvent } from "./schema.ts";
import { insertDelivery, insertEmail, insertSource } from "./store.ts";
import { findLinks, type LinksOf, trackingOf } from "./tracking.ts";

export interface PreparedEmails {
  /** In the order of the emails. */
  ids: string[];
  writes: Write[];
  /** To be called once the writes are on disk. */
  areStored(): void;
}

/**
 * The writes that accept emails, all of one sender. What they have in common is asked for and written once. Their
 * attachments are in the blob store before they are named.
 */
export async function prepareEmails(
  app: App,
  sender: Sender,
  emails: AdmittedEmail[],
): Promise<PreparedEmails> {
  const ids = emails.map(() => newId());
  const addresses = emails.flatMap(({ checked }) => checked.recipients.map(({ address }) => address));
  const suppressed = await suppressedAmong(app, sender.teamId, addresses);
  const hasTopic = emails.some(({ draft }) => draft.topicId !== undefined);
  const unwanted: UnwantedByTopic = hasTopic ? await findUnwanted(app, sender.teamId, emails) : new Map();
  const hasFiles = emails.some(({ draft }) => draft.attachments.length > 0);
  const files = hasFiles ? await storeFiles(app, emails, ids) : [];
  const linksOf = emails.some(({ domain }) => domain.clickTracking)
    ? await findLinks(app, emails)
    : undefined;
  const writing: Writing = { rows: [], jobs: [], events: [], contents: new Map(), linksOf };
  const refused: Refused = { suppressed, unwanted };
  for (const [index, email] of emails.entries()) {
    writeEmail(app, sender, ids[index]!, email, refused, writing);
  }
  return {
    ids,
    writes: [
      ...writing.rows,
      ...files,
      ...enqueueAll(app, deliver, writing.jobs),
      ...recordMany(app, writing.events),
    ],
    areStored() {
      for (const content of writing.contents.values()) content.isStored();
    },
  };
}

async function storeFiles(app: App, emails: AdmittedEmail[], ids: string[]): Promise<Write[]> {
  const store = attachmentStore(app);
  const writes = emails.map(({ draft }, index) => store(ids[index]!, draft.attachments));
  return (await Promise.all(writes)).flat();
}

type UnwantedByTopic = Map<string, Map<string, Unwanted>>;

/** Who does not want mail of the topics that the emails have, by topic. */
async function findUnwanted(app: App, teamId: string, emails: AdmittedEmail[]): Promise<UnwantedByTopic> {
  const found: UnwantedByTopic = new Map();
  for (const [topicId, some] of Map.groupBy(emails, ({ draft }) => draft.topicId)) {
    if (topicId === undefined) continue;
    const addresses = some.flatMap(({ checked }) => checked.recipients.map(({ address }) => address));
    found.set(topicId, await unwantedAmong(app.db, teamId, topicId, addresses));
  }
  return found;
}

/** The recipients that are not sent to. */
interface Refused {
  suppressed: Map<string, SuppressionReason>;
  unwanted: UnwantedByTopic;
}

/** What has come together for one batch so far. */
interface Writing {
  rows: Write[];
  jobs: JobWish<{ deliveryId: string }>[];
  events: NewEvent[];
  contents: ContentsOfWrite;
  /** Absent where no clicks are tracked. */
  linksOf?: LinksOf;
}

function writeEmail(
  app: App,
  { teamId, keyId }: Sender,
  id: string,
  { draft, checked, domain, merge, source }: AdmittedEmail,
  { suppressed, unwanted }: Refused,
  writing: Writing,
): void {
  const { sender, subject, recipients, scheduledAt } = checked;
  const createdAt = app.now();
  const isLater = scheduledAt !== undefined && scheduledAt > createdAt;
  const ofTopic = draft.topicId === undefined ? undefined : unwanted.get(draft.topicId);
  const reasonFor = ({ address }: Address) => {
    if (suppressed.size === 0 && !ofTopic) return undefined;
    const key = recipientKey(address);
    const reason = suppressed.get(key);
    if (reason) return tellSuppression(reason);
    const why = ofTopic?.get(key);
    return why && tellUnwanted(why);
  };
  const lastEvent: LastEvent = recipients.every((recipient) => reasonFor(recipient) !== undefined)
    ? "suppressed"
    : isLater
      ? "scheduled"
      : "queued";
  const isTrackable = source ? source.links !== undefined : Boolean(draft.html);
  const tracking = isTrackable ? trackingOf(app, domain) : null;
  const bodies = { html: draft.html ?? null, text: draft.text ?? null };
  const links = tracking?.clicks ? (source?.links ?? writing.linksOf) : undefined;
  const content = storeContent(app, bodies, writing.contents, links);
  const about = { teamId, emailId: id, domainId: domain.id };
  writing.rows.push(
    ...content.writes,
    insertEmail({
      id,
      teamId,
      domainId: domain.id,
      apiKeyId: keyId ?? null,
      messageId: source?.messageId ?? makeMessageId(id, domain.name),
      sender,
      recipients: draft.to,
      cc: draft.cc,
      bcc: draft.bcc,
      replyTo: draft.replyTo,
      subject,
      contentId: content.id,
      headers: draft.headers,
      tags: draft.tags,
      topicId: draft.topicId ?? null,
      tracking,
      broadcastId: null,
      merge: merge ?? null,
      lastEvent,
      scheduledAt: scheduledAt ?? null,
      createdAt,
    }),
  );
  if (source) {
    const { size, raw, blobHash } = source;
    writing.rows.push(insertSource({ emailId: id, size, raw, blobHash }));
  }
  writing.events.push({ ...about, type: isLater ? "email.scheduled" : "email.queued" });
  for (const recipient of recipients) {
    const reason = reasonFor(recipient);
    if (reason) refuseDelivery(app, { ...about, tags: draft.tags }, recipient, reason, writing);
    else startDelivery(app, about, recipient, isLater ? scheduledAt : createdAt, writing);
  }
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
  { rows, jobs }: Writing,
): void {
  const id = newId();
  const row = { id, teamId, emailId, recipient: address, domain, nextAttemptAt: at, settledAt: null };
  rows.push(insertDelivery({ ...row, state: "queued", createdAt: app.now() }));
  jobs.push({ id, payload: { deliveryId: id }, lane: laneForDomain(app, domain), runAt: at });
}

function refuseDelivery(
  app: App,
  about: About & Pick<EmailDraft, "tags">,
  { address, domain }: Address,
  suppressed: ReturnType<typeof tellSuppression>,
  { rows, events }: Writing,
): void {
  const { teamId, emailId } = about;
  const now = app.now();
  const row = { id: newId(), teamId, emailId, recipient: address, domain };
  rows.push(
    insertDelivery({ ...row, state: "suppressed", nextAttemptAt: null, settledAt: now, createdAt: now }),
  );
  const data = { suppressed };
  events.push({ ...about, type: "email.suppressed", deliveryId: row.id, recipient: address, data });
}
