/** What comes back about a message that was taken: DSNs (RFC 3464) at its return path, and complaints. */
import type { App } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { setLastEvent, setProgress } from "../emails/store.ts";
import { recordEvent, recordEvents } from "../events/record.ts";
import { tellOnce } from "../events/told.ts";
import { reportReceived } from "../inbound/jobs.ts";
import { again, done, type Ending, handle } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { removeWaitingJob, settleLane } from "../jobs/store.ts";
import { suppress } from "../suppressions/suppress.ts";
import { takeComplaint } from "./complaints.ts";
import { blockFor, type DeliveryReport, judgeBlock, type ReportedFailure } from "./judge-report.ts";
import { describeBounce } from "./record.ts";
import { findReportedDelivery, insertReport, type ReportedDelivery, settleReported } from "./report-store.ts";
import { providerOf, sitePolicy } from "./site-policy.ts";

export const reporting = handle(reportReceived, async (app, { inboundId, report, deliveryId, role }) => {
  if (report?.kind === "complaint") {
    await takeComplaint(app, { inboundId, deliveryId, report });
    return done();
  }
  // Answers of people and their machines (RFC 3834) come to the return path too, and so do quotes of old DSNs: only a
  // report by its structure, at an address whose token proves that we sent what it is about, changes anything.
  if (!report || !deliveryId || role !== "return_path") return done();
  return takeDeliveryReport(app, deliveryId, report);
});

/** How long a report waits for the attempt that is being made of its delivery. */
const attemptMs = 15_000;

async function takeDeliveryReport(app: App, deliveryId: string, report: DeliveryReport): Promise<Ending> {
  const delivery = await findReportedDelivery(app.db, deliveryId);
  const block = delivery && blockFor(report, delivery.recipient);
  if (!block) return done();
  const host = block.remoteHost ?? report.reportingHost;
  const { provider } = sitePolicy(app.config, { hosts: host ? [host] : [], domain: "" });
  const failure = judgeBlock(block, { recipient: delivery.recipient, provider });
  const by = report.reportingHost;
  switch (block.action) {
    case "failed":
      return bounceLater(app, { delivery, failure, host: by });
    case "delayed":
      return delayLater(app, { delivery, failure, host: by });
    default:
      // `relayed` and `expanded` say where it went on to: that the host we sent it to took it, they say as well.
      return deliverLater(app, { delivery, failure, host: by });
  }
}

interface Learnt {
  delivery: ReportedDelivery;
  failure: ReportedFailure;
  /** The host that reports. */
  host: string | null;
}

const isOpen = ({ state }: ReportedDelivery) => state === "queued" || state === "deferred";

async function bounceLater(app: App, learnt: Learnt): Promise<Ending> {
  const { delivery } = learnt;
  if (!isOpen(delivery) && delivery.state !== "delivered") return done();
  return writeOrWait(app, bounceWrites(app, learnt));
}

/** News only where the connection broke after the final dot: the host has the message, and we try again. */
async function deliverLater(app: App, learnt: Learnt): Promise<Ending> {
  return isOpen(learnt.delivery) ? writeOrWait(app, deliveryWrites(app, learnt)) : done();
}

/**
 * A connection that broke after the final dot may have left a message behind, of which we hear while we try again. An
 * attempt under way has the job and makes the batch stale: the report waits, and is weighed against what came of it.
 */
async function writeOrWait(app: App, writes: Write[]): Promise<Ending> {
  if (await once(app, writes)) return done();
  return again(
    new Date(app.now().getTime() + attemptMs),
    "the delivery is being attempted or has just changed",
  );
}

function bounceWrites(app: App, learnt: Learnt): Write[] {
  const { delivery, failure } = learnt;
  const { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, tags, mxHost } = delivery;
  const { type, class: about, said } = failure;
  return [
    ...endWrites(app, learnt, "bounced"),
    ...recordEvent(app, {
      ...{ type: "email.bounced", teamId, emailId, deliveryId, recipient, domainId, broadcastId, tags },
      provider: providerOf(mxHost),
      counts: isOpen(delivery) ? [] : ["email.bounced_late"],
      data: { bounce: describeBounce(type, about, said) },
    }),
    setLastEvent({ id: emailId, lastEvent: "bounced" }),
    ...(failure.suppress
      ? suppress(app, { teamId, address: recipient, reason: "bounce", sourceId: emailId })
      : []),
  ];
}

function deliveryWrites(app: App, learnt: Learnt): Write[] {
  const { delivery, failure, host } = learnt;
  const { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, tags, mxHost } = delivery;
  const data = { reply: inWords(failure, host), host, tls: null };
  return [
    ...endWrites(app, learnt, "delivered"),
    ...recordEvents(app, ["email.sent", "email.delivered"], {
      ...{ teamId, emailId, deliveryId, recipient, domainId, broadcastId, tags, data },
      provider: providerOf(mxHost),
    }),
    setProgress({ id: emailId, lastEvent: "delivered" }),
  ];
}

/** Ends the delivery, and its job where it has one, in the state it was seen in. */
function endWrites(app: App, { delivery, failure, host }: Learnt, outcome: "bounced" | "delivered"): Write[] {
  const now = app.now();
  const job = isOpen(delivery) ? delivery.job : null;
  const said = inWords(failure, host);
  const about = outcome === "bounced" ? failure.class : null;
  return [
    ...(job ? [removeWaitingJob(delivery.id), expectChange()] : []),
    settleReported(delivery, outcome, said, now),
    expectChange(),
    ...(job ? [settleLane(job.lane, now)] : []),
    insertReport(delivery, { outcome, class: about, host, said }, now),
  ];
}

/**
 * A host further on has trouble with what the first one took: told once. Deliveries that we still try tell of their own
 * delays, as have those that were tried more than once; and the email's last event stays "delivered", since no host would
 * say that the trouble is over.
 */
async function delayLater(app: App, { delivery, failure, host }: Learnt): Promise<Ending> {
  if (delivery.state !== "delivered" || delivery.attempts > 1) return done();
  const { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, tags, mxHost } = delivery;
  const said = inWords(failure, host);
  await once(app, [
    ...tellOnce("email.delivery_delayed", deliveryId),
    insertReport(delivery, { outcome: "deferred", class: failure.class, host, said }, app.now()),
    ...recordEvent(app, {
      ...{
        type: "email.delivery_delayed",
        teamId,
        emailId,
        deliveryId,
        recipient,
        domainId,
        broadcastId,
        tags,
      },
      provider: providerOf(mxHost),
      data: { bounce: describeBounce("Transient", failure.class, failure.said) },
    }),
  ]);
  return done();
}

/** As `last_reply` has it: nobody said it to us. */
const inWords = ({ said }: ReportedFailure, host: string | null): string =>
  `reported later${host ? ` by ${host}` : ""}: ${said}`;
