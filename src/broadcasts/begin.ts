import type { App } from "../app.ts";
import { propertiesOf } from "../contacts/properties.ts";
import type { Segment } from "../contacts/schema.ts";
import { requireSegment } from "../contacts/segments.ts";
import { getTopic } from "../contacts/topics.ts";
import { expectChange } from "../db/write.ts";
import type { SendingDomain } from "../domains/service.ts";
import { permittedDomain } from "../emails/admit.ts";
import { storeContent } from "../emails/content.ts";
import { insertEmail } from "../emails/store.ts";
import { trackingOf } from "../emails/tracking.ts";
import { Refusal } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { newId } from "../ids.ts";
import { once } from "../jobs/once.ts";
import { parseAddress } from "../mail/address.ts";
import { makeMessageId } from "../mail/message-id.ts";
import { withPreview } from "../mail/preview-text.ts";
import { fixAudience } from "./audience.ts";
import { fieldsIn } from "./fields.ts";
import { paceFrom } from "./pace.ts";
import type { Broadcast } from "./schema.ts";
import { conducted } from "./store.ts";

/** Sorts before every id. */
const beforeAll = "0";

/**
 * Makes the email that all recipients share, and settles who they are: the contacts there are now. What had become
 * impossible since it was asked for makes the broadcast a draft again, which says why.
 */
export async function begin(app: App, broadcast: Broadcast): Promise<void> {
  let domain: SendingDomain;
  let segment: Segment;
  try {
    [domain, segment] = await requireAll(app, broadcast);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const back = { status: "draft", problem: error.message, scheduledAt: null, conductor: null } as const;
    await once(app, [conducted(app.db, broadcast, { ...back, updatedAt: app.now() }), expectChange()]);
    return;
  }
  const { id: broadcastId, teamId, previewText, text } = broadcast;
  const now = app.now();
  const emailId = newId();
  const html = broadcast.html && previewText ? withPreview(broadcast.html, previewText) : broadcast.html;
  const tracking = html ? trackingOf(app, domain) : null;
  const links = html && tracking?.clicks ? await app.threads.findLinks(html) : undefined;
  const content = storeContent(app, { html, text }, undefined, links && (() => links));
  const isWritten = await once(app, [
    conducted(app.db, broadcast, {
      ...{ status: "sending", steered: "sending", startedAt: now, updatedAt: now, emailId },
      ...paceFrom(now),
      ...{
        cursor: beforeAll,
        fallbacks: { ...broadcast.fallbacks, ...(await fallbacksFor(app, broadcast)) },
      },
    }),
    expectChange(),
    fixAudience(broadcast, segment, now),
    ...content.writes,
    insertEmail({
      ...{ id: emailId, teamId, domainId: domain.id, apiKeyId: broadcast.apiKeyId, broadcastId },
      ...{ messageId: makeMessageId(emailId, domain.name), sender: broadcast.sender },
      // Everybody's message names them alone.
      ...{ recipients: [], cc: [], bcc: [], replyTo: broadcast.replyTo, subject: broadcast.subject },
      ...{ contentId: content.id, headers: {}, tags: [], topicId: broadcast.topicId, tracking, merge: null },
      ...{ lastEvent: "queued", scheduledAt: broadcast.scheduledAt, createdAt: now },
    }),
    ...recordEvent(app, { type: "email.queued", teamId, emailId, domainId: domain.id, broadcastId }),
  ]);
  if (isWritten) content.isStored();
}

async function requireAll(
  app: App,
  { teamId, apiKeyId, sender, segmentId, topicId }: Broadcast,
): Promise<[SendingDomain, Segment]> {
  const segment = await requireSegment(app, teamId, segmentId);
  if (topicId !== null) await getTopic(app, teamId, topicId);
  const from = { teamId, keyId: apiKeyId ?? undefined };
  return [await permittedDomain(app, from, parseAddress(sender)!), segment];
}

/** What the contract puts behind a contact's own value and a field's: the property's. */
export async function fallbacksFor(
  app: App,
  broadcast: Pick<Broadcast, "teamId" | "subject" | "previewText" | "html" | "text">,
): Promise<Record<string, string>> {
  const wanted = fieldsIn(broadcast);
  const properties = await propertiesOf(app.db, broadcast.teamId);
  return Object.fromEntries(
    [...properties.values()].flatMap(({ key, fallbackValue }) =>
      fallbackValue !== null && wanted.has(key) ? [[`contact.${key}`, String(fallbackValue)]] : [],
    ),
  );
}
