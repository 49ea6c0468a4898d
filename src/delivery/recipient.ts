/** One recipient of a broadcast: what became of the copy for them, and what they did with it. */
import type { App } from "../app.ts";
import { getListedBroadcast } from "../broadcasts/read.ts";
import type { ListedBroadcast } from "../broadcasts/store.ts";
import { findContact } from "../contacts/store.ts";
import { findDomain } from "../domains/store.ts";
import { findListedEmail } from "../emails/store.ts";
import { Refusal } from "../errors.ts";
import { type Happening, listOutcomesOf } from "../events/read.ts";
import { isId } from "../ids.ts";
import { makeMessageId } from "../mail/message-id.ts";
import { type ExplainedDelivery, explainSlice } from "./read.ts";

export interface BroadcastRecipient {
  broadcast: ListedBroadcast;
  explained: ExplainedDelivery;
  /** Null once the contact is deleted. */
  contactId: string | null;
  /** Of their copy; null once the sending domain, whose name it has, is removed. */
  messageId: string | null;
  /** The newest first. */
  happened: Happening[];
}

/** Some open a message a thousand times. */
const mostOfType = 50;

/** The recipient whose delivery has the id. */
export async function getRecipient(
  app: App,
  teamId: string,
  broadcastId: string,
  deliveryId: string,
): Promise<BroadcastRecipient> {
  const broadcast = await getListedBroadcast(app, teamId, broadcastId);
  const { emailId } = broadcast;
  if (emailId === null || !isId(deliveryId)) throw recipientMissing();
  const only = deliveryId.toLowerCase();
  const email = await findListedEmail(app.db, teamId, emailId);
  const [explained] = email ? await explainSlice(app, email, { only }, broadcast) : [];
  if (!email || !explained) throw recipientMissing();
  const { contactId } = explained.delivery;
  const [contact, domain, outcomes] = await Promise.all([
    contactId === null ? undefined : findContact(app.db, teamId, contactId),
    email.domainId === null ? undefined : findDomain(app.db, teamId, email.domainId),
    listOutcomesOf(app.db, { emailId, deliveryId: only }, mostOfType),
  ]);
  return {
    ...{ broadcast, explained, contactId: contact?.id ?? null },
    messageId: domain ? makeMessageId(only, domain.name) : null,
    happened: [...outcomes, ...endsOf(explained)].sort(
      (a, b) => b.createdAt.getTime() - a.createdAt.getTime(),
    ),
  };
}

const recipientMissing = () => new Refusal("not_found", "Recipient not found");

/** What nearly all recipients come to: the delivery and its attempts tell that without a walk through everybody's events. */
function endsOf({ delivery, history }: ExplainedDelivery): Happening[] {
  const { state, settledAt, lastReply: reason, mxHost } = delivery;
  const delivered = history.find(({ outcome }) => outcome === "delivered");
  if (delivered) {
    const { said: reply, host, endedAt: createdAt } = delivered;
    return [{ type: "email.delivered", data: { reply, host }, createdAt }];
  }
  const ended = (type: Happening["type"], data: Happening["data"]) =>
    settledAt === null ? [] : [{ type, data, createdAt: settledAt }];
  switch (state) {
    case "delivered":
      return ended("email.delivered", { reply: reason, host: mxHost });
    case "failed":
      return ended("email.failed", { failed: { reason } });
    case "canceled":
      return ended("email.canceled", { canceled: { reason } });
    default:
      return [];
  }
}
