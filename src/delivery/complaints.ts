/** Complaints: recipients who call what they got spam, as their providers report it (ARF, RFC 5965). */
import type { App } from "../app.ts";
import { setLastEvent } from "../emails/store.ts";
import { recordEvent } from "../events/record.ts";
import { tellOnce } from "../events/told.ts";
import { once } from "../jobs/once.ts";
import { parseAddress } from "../mail/address.ts";
import { readFeedbackId } from "../mail/feedback-id.ts";
import { readMessageId } from "../mail/message-id.ts";
import type { Report } from "../mail/report.ts";
import { readReturnPath } from "../mail/verp.ts";
import type { SuppressionReason } from "../suppressions/schema.ts";
import { suppress } from "../suppressions/suppress.ts";
import { isSameMailbox } from "./judge-report.ts";
import {
  findReportedDelivery,
  findReporter,
  listReportedDeliveries,
  type ReportedDelivery,
} from "./report-store.ts";
import { providerOf } from "./site-policy.ts";

type Complaint = Report & { kind: "complaint" };

interface Meaning {
  event: "email.complained" | "email.unsubscribed";
  reason: SuppressionReason;
}

/**
 * What a person's word costs their address. `fraud` is what the button beside "spam" sends. `virus` and `auth-failure`
 * are what machines find in a message, `not-spam` is praise, and `other` says nothing: none of them is a wish of the
 * recipient's, nor is a type that we don't know.
 */
const meanings: Record<string, Meaning> = {
  abuse: { event: "email.complained", reason: "complaint" },
  fraud: { event: "email.complained", reason: "complaint" },
  "opt-out": { event: "email.unsubscribed", reason: "unsubscribe" },
};

/** Stops mail to who complained. `deliveryId` is that of the return path the complaint came to, if it did. */
export async function takeComplaint(
  app: App,
  { inboundId, deliveryId, report }: { inboundId: string; deliveryId: string | null; report: Complaint },
): Promise<void> {
  const meaning = Object.hasOwn(meanings, report.feedbackType) ? meanings[report.feedbackType] : undefined;
  if (!meaning) {
    app.log.info({ inbound: inboundId, type: report.feedbackType }, "a report that is no complaint");
    return;
  }
  const proven = deliveryId ?? provenDelivery(app, report);
  const delivery = proven
    ? await findReportedDelivery(app.db, proven)
    : await findByMessageId(app, inboundId, report);
  if (!delivery) {
    app.log.warn({ inbound: inboundId }, "a complaint that proves no delivery of ours; nothing was changed");
    return;
  }
  await recordComplaint(app, delivery, report.feedbackType, meaning);
}

/** Once for each delivery; what the sandbox's own complaint does as well. */
export async function recordComplaint(
  app: App,
  { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, tags, mxHost }: ReportedDelivery,
  feedbackType = "abuse",
  { event, reason }: Meaning = meanings.abuse!,
): Promise<void> {
  await once(app, [
    ...tellOnce(event, deliveryId),
    ...recordEvent(app, {
      ...{ type: event, teamId, emailId, deliveryId, recipient, domainId, broadcastId, tags },
      provider: providerOf(mxHost),
      data: { complaint: { feedbackType } },
    }),
    ...(event === "email.complained" ? [setLastEvent({ id: emailId, lastEvent: "complained" })] : []),
    ...suppress(app, { teamId, address: recipient, reason, sourceId: emailId }),
  ]);
}

/** The delivery of which the report shows a token: only the recipient and their hosts have seen it. */
function provenDelivery(app: App, { returnPath, message }: Complaint): string | undefined {
  const secret = app.secrets.derive("return-path");
  const paths = [returnPath, message.returnPath].map((path) => path && readReturnPath(path, secret));
  const named = paths.find(Boolean) || readFeedbackId(message.feedbackId ?? "", secret);
  return named ? named.deliveryId : undefined;
}

/**
 * A Message-ID proves nothing: every recipient has it, and so has everybody they answered or passed the message on to.
 * With it alone anybody could have a customer's password resets stopped. It counts where the recipient's own domain says
 * so, as DMARC vouches: who runs that could read the return path as well. Others must quote the Feedback-ID, which
 * stands in every message beside the Message-ID.
 */
async function findByMessageId(
  app: App,
  inboundId: string,
  { message, recipient }: Complaint,
): Promise<ReportedDelivery | undefined> {
  const read = message.messageId === null ? undefined : readMessageId(message.messageId);
  if (!read) return undefined;
  const deliveries = await listReportedDeliveries(app.db, read.emailId, read.messageId);
  const meant =
    recipient === null && deliveries.length === 1
      ? deliveries[0]
      : deliveries.find((each) => isSameMailbox(recipient, each.recipient));
  if (!meant) return undefined;
  const reporter = await findReporter(app.db, inboundId);
  const from = parseAddress(reporter?.sender ?? "")?.domain;
  const isTheirs = from === meant.domain || from?.endsWith(`.${meant.domain}`);
  return isTheirs && reporter?.verdicts?.dmarc.result === "pass" ? meant : undefined;
}
