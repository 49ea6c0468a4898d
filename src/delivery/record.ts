import type { App } from "../app.ts";
import { isUnwanted, tellUnwanted, type Unwanted } from "../contacts/consent.ts";
import type { Write } from "../db/write.ts";
import type { Delivery, LastEvent } from "../emails/schema.ts";
import { setLastEvent, setProgress } from "../emails/store.ts";
import { recordEvents } from "../events/record.ts";
import type { EventType } from "../events/schema.ts";
import { again, done, type Ending } from "../jobs/job.ts";
import { metersOf } from "../meters.ts";
import type { SuppressionReason } from "../suppressions/schema.ts";
import { suppress } from "../suppressions/suppress.ts";
import { tellSuppression } from "../suppressions/told.ts";
import type { AttemptRecord } from "./ask.ts";
import type { Deferral, Outcome } from "./outcome.ts";
import { nextAttempt } from "./retry.ts";
import type { BounceClass } from "./schema.ts";
import { providerOf } from "./site-policy.ts";
import { type DueDelivery, insertAttempt, updateDelivery } from "./store.ts";

/** What one try of a delivery came to. */
export interface Tried {
  outcome: Outcome;
  /** One for each host that was asked, or could not be; empty when it never came to that. */
  attempts: AttemptRecord[];
  /** Where it waits for its next try; the lane it was in when absent. */
  lane?: string;
  /** The asking was broken off before every host had its say. */
  isUnfinished?: boolean;
  /** What else was learnt and belongs into the same batch. */
  writes?: Write[];
}

/** How a job ends after a try: delivery, attempts, events, counters, suppression and the job itself in one batch. */
export function recordTry(app: App, due: DueDelivery, tried: Tried): Ending {
  const ending = recordOutcome(app, due, tried.outcome, tried.lane);
  const number = due.delivery.attempts + 1;
  const rows = tried.attempts.map((attempt, position) =>
    insertAttempt({ ...attempt, deliveryId: due.delivery.id, number, position }),
  );
  ending.writes.push(...rows, ...(tried.writes ?? []));
  measure(app, due, tried);
  return ending;
}

function measure(app: App, { delivery: { nextAttemptAt } }: DueDelivery, { outcome, attempts }: Tried): void {
  const meters = metersOf(app);
  const [first] = attempts;
  const waitedSeconds =
    first && nextAttemptAt ? (first.startedAt.getTime() - nextAttemptAt.getTime()) / 1000 : undefined;
  meters.tried(outcome.kind, waitedSeconds);
  for (const { outcome: each, host, startedAt, endedAt } of attempts) {
    if (host !== null) meters.attempted(each, (endedAt.getTime() - startedAt.getTime()) / 1000);
  }
}

function recordOutcome(app: App, due: DueDelivery, outcome: Outcome, lane: string | undefined): Ending {
  switch (outcome.kind) {
    case "delivered": {
      const { said: reply, host, tls } = outcome;
      const data = { reply, host, tls: tls?.version ? { version: tls.version, cipher: tls.cipher } : null };
      return done([
        settle(app, due, "delivered", outcome.said, outcome.host),
        // Two names of one fact (D10): `sent` is what the original MailIt's clients listen for.
        ...happened(app, due, ["email.sent", "email.delivered"], data, host),
        setProgress({ id: due.email.id, lastEvent: "delivered" }),
      ]);
    }
    case "bounced":
      return done([
        settle(app, due, "bounced", outcome.said, outcome.host),
        ...happened(
          app,
          due,
          ["email.bounced"],
          { bounce: describeBounce("Permanent", outcome.class, outcome.said) },
          outcome.host,
        ),
        lastEvent(due, "bounced"),
        // Everything but a dead mailbox is about us or the moment, and must not cost the address.
        ...(outcome.suppress
          ? suppress(app, {
              teamId: due.delivery.teamId,
              address: due.delivery.recipient,
              reason: "bounce",
              sourceId: due.email.id,
            })
          : []),
      ]);
    case "suppressed":
      return done([
        settle(app, due, "suppressed", due.delivery.lastReply, due.delivery.mxHost),
        ...happened(app, due, ["email.suppressed"], { suppressed: tellRefusal(outcome.reason) }),
        lastEvent(due, "suppressed"),
      ]);
    case "canceled":
      return done([
        settle(app, due, "canceled", outcome.said, due.delivery.mxHost),
        ...happened(app, due, ["email.canceled"], { canceled: { reason: outcome.said } }),
      ]);
    case "failed":
      return done([...fail(app, due, outcome.said)]);
    case "deferred":
      return defer(app, due, outcome, lane);
  }
}

const tellRefusal = (reason: SuppressionReason | Unwanted) =>
  isUnwanted(reason) ? tellUnwanted(reason) : tellSuppression(reason);

function defer(
  app: App,
  due: DueDelivery,
  { said, host, class: about }: Deferral,
  lane: string | undefined,
): Ending {
  const now = app.now();
  const { delivery } = due;
  const attempts = delivery.attempts + 1;
  const firstAt = delivery.firstAttemptAt ?? now;
  const at = nextAttempt(app.config.smtpOutbound, { number: attempts, firstAt, now }, app.random());
  if (!at) return done(fail(app, due, said, host));
  const writes = [
    updateDelivery({
      id: delivery.id,
      state: "deferred",
      attempts,
      lastReply: said,
      mxHost: host ?? delivery.mxHost,
      firstAttemptAt: firstAt,
      nextAttemptAt: at,
      settledAt: null,
    }),
    ...(delivery.state === "queued"
      ? [
          ...happened(
            app,
            due,
            ["email.delivery_delayed"],
            { bounce: describeBounce("Transient", about, said) },
            host,
          ),
          setProgress({ id: due.email.id, lastEvent: "delivery_delayed" }),
        ]
      : []),
  ];
  return again(at, said, writes, { lane });
}

function fail(app: App, due: DueDelivery, said: string, host?: string): Write[] {
  return [
    settle(app, due, "failed", said, host),
    ...happened(app, due, ["email.failed"], { failed: { reason: said } }, host),
    lastEvent(due, "failed"),
  ];
}

const isUntried = (state: Delivery["state"]): boolean => state === "suppressed" || state === "canceled";

function settle(
  app: App,
  { delivery }: DueDelivery,
  state: Delivery["state"],
  lastReply: string | null,
  host: string | null | undefined,
): Write {
  const now = app.now();
  // An attempt that was never made (suppressed meanwhile) is not counted as one.
  const attempts = delivery.attempts + (isUntried(state) ? 0 : 1);
  return updateDelivery({
    id: delivery.id,
    state,
    attempts,
    lastReply,
    mxHost: host ?? delivery.mxHost,
    firstAttemptAt: delivery.firstAttemptAt ?? (isUntried(state) ? null : now),
    nextAttemptAt: null,
    settledAt: now,
  });
}

function happened(
  app: App,
  { delivery, email }: DueDelivery,
  types: EventType[],
  data: Record<string, unknown>,
  host?: string | null,
): Write[] {
  const { id: deliveryId, teamId, recipient } = delivery;
  return recordEvents(app, types, {
    teamId,
    emailId: email.id,
    deliveryId,
    recipient,
    domainId: email.domainId,
    provider: providerOf(host ?? delivery.mxHost),
    broadcastId: email.broadcastId,
    tags: email.tags,
    data,
  });
}

function lastEvent({ email }: DueDelivery, event: LastEvent): Write {
  return setLastEvent({ id: email.id, lastEvent: event });
}

const subTypes: Record<BounceClass, string> = {
  recipient: "NoEmail",
  mailbox_full: "MailboxFull",
  content: "ContentRejected",
  policy: "General",
  infrastructure: "General",
  protocol: "General",
};

/** A bounce in the contract's words, with our class beside them. */
export function describeBounce(
  type: "Permanent" | "Transient" | "Undetermined",
  about: BounceClass,
  said: string,
) {
  const subType = type === "Undetermined" ? "Undetermined" : subTypes[about];
  return { type, subType, class: about, message: said, diagnosticCode: [`smtp; ${said}`] };
}
