/** What comes back about a message that was taken: DSNs (RFC 3464) at its return path, and complaints. */
import type { App } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { setLastEvent } from "../emails/store.ts";
import { recordEvent } from "../events/record.ts";
import { reportReceived } from "../inbound/jobs.ts";
import { again, done, type Ending, handle } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { removeWaitingJob, settleLane } from "../jobs/store.ts";
import { suppress } from "../suppressions/suppress.ts";
import { takeComplaint } from "./complaints.ts";
import { blockFor, type DeliveryReport, judgeBlock, type ReportedFailure } from "./judge-report.ts";
import { describeBounce } from "./record.ts";
import {
  expectFirst,
  findReportedDelivery,
  insertReport,
  type ReportedDelivery,
  settleReported,
} from "./report-store.ts";
import { sitePolicy } from "./site-policy.ts";

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
      return done(); // `delivered`, `relayed`, `expanded`: what we knew already
  }
}

interface Learnt {
  delivery: ReportedDelivery;
  failure: ReportedFailure;
  /** The host that reports. */
  host: string | null;
}

async function bounceLater(app: App, learnt: Learnt): Promise<Ending> {
  const { delivery } = learnt;
  const isOpen = delivery.state === "queued" || delivery.state === "deferred";
  if (!isOpen && delivery.state !== "delivered") return done();
  // A connection that broke after the final dot may have left a message behind, which then bounces while we try again.
  // An attempt under way has the job and makes the batch stale: the report waits, and is weighed against what came of it.
  if (await once(app, bounceWrites(app, learnt, isOpen))) return done();
  return again(
    new Date(app.now().getTime() + attemptMs),
    "the delivery is being attempted or has just changed",
  );
}

function bounceWrites(app: App, { delivery, failure, host }: Learnt, isOpen: boolean): Write[] {
  const { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, job } = delivery;
  const now = app.now();
  const { type, class: about, said } = failure;
  return [
    ...(isOpen && job ? [removeWaitingJob(deliveryId), expectChange()] : []),
    settleReported(delivery, inWords(failure, host), now),
    expectChange(),
    ...(isOpen && job ? [settleLane(job.lane, now)] : []),
    insertReport(delivery, { outcome: "bounced", class: about, host, said: inWords(failure, host) }, now),
    ...recordEvent(app, {
      ...{ type: "email.bounced", teamId, emailId, deliveryId, recipient, domainId, broadcastId },
      counts: isOpen ? [] : ["email.bounced_late"],
      data: { bounce: describeBounce(type, about, said) },
    }),
    setLastEvent({ id: emailId, lastEvent: "bounced" }),
    ...(failure.suppress
      ? suppress(app, { teamId, address: recipient, reason: "bounce", sourceId: emailId })
      : []),
  ];
}

/**
 * A host further on has trouble with what the first one took: told once. Deliveries that we still try tell of their own
 * delays; and the email's last event stays "delivered", since no host would say that the trouble is over.
 */
async function delayLater(app: App, { delivery, failure, host }: Learnt): Promise<Ending> {
  const { id: deliveryId, teamId, emailId, recipient, domainId, broadcastId, state } = delivery;
  if (state !== "delivered") return done();
  const said = inWords(failure, host);
  await once(app, [
    expectFirst("email.delivery_delayed", delivery),
    insertReport(delivery, { outcome: "deferred", class: failure.class, host, said }, app.now()),
    ...recordEvent(app, {
      ...{ type: "email.delivery_delayed", teamId, emailId, deliveryId, recipient, domainId, broadcastId },
      data: { bounce: describeBounce("Transient", failure.class, failure.said) },
    }),
  ]);
  return done();
}

/** As `last_reply` has it: nobody said it to us. */
const inWords = ({ said }: ReportedFailure, host: string | null): string =>
  `reported later${host ? ` by ${host}` : ""}: ${said}`;
