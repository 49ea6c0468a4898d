/** One attempt to hand one recipient's copy of an email to their mail server. */
import { isIPv6 } from "node:net";
import type { App } from "../app.ts";
import { signingKeysOf } from "../domains/service.ts";
import { deliver } from "../emails/jobs.ts";
import { listAttachments } from "../emails/store.ts";
import { StorageUnavailable } from "../errors.ts";
import { again, done, handle } from "../jobs/job.ts";
import { makeReturnPath } from "../mail/verp.ts";
import { converse } from "../smtp/client.ts";
import { isSuppressed } from "../suppressions/suppress.ts";
import type { ComposeJob } from "../threads/threads.ts";
import { judge, type Outcome } from "./outcome.ts";
import { recordOutcome } from "./record.ts";
import { findHops, findRoute, type Hop } from "./route.ts";
import { type DueDelivery, findDueDelivery } from "./store.ts";

export const delivering = handle(deliver, async (app, { deliveryId }, { signal }) => {
  const due = await findDueDelivery(app.db, deliveryId);
  // An earlier hold wrote the outcome and died before its job went, or the email was canceled: nothing is left to do.
  if (!due || (due.delivery.state !== "queued" && due.delivery.state !== "deferred")) return done();
  const outcome = await attempt(app, due, signal).catch((error: unknown) => blame(app, due, error));
  // Our stop is no news about the recipient, and no attempt; unless the host may have the message already.
  if (signal.aborted && outcome.kind === "deferred" && !outcome.ambiguous) {
    return again(app.now(), "the server was stopped");
  }
  return recordOutcome(app, due, outcome);
});

/**
 * A fault in making the message is an attempt that came to nothing: it shows its reason, follows the retry plan and is
 * given up in the end, where a job that only fails would come back for ever and leave the delivery "queued".
 */
function blame(app: App, { delivery, email }: DueDelivery, error: unknown): Outcome {
  if (error instanceof StorageUnavailable) throw error;
  app.log.error({ err: error, email: email.id, delivery: delivery.id }, "a message could not be made");
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: "deferred", said: `The message could not be made: ${reason}`, class: "infrastructure" };
}

async function attempt(app: App, due: DueDelivery, signal: AbortSignal): Promise<Outcome> {
  const { delivery, email, domain } = due;
  if (await isSuppressed(app, delivery.teamId, delivery.recipient)) return { kind: "suppressed" };
  if (!domain) {
    return {
      kind: "failed",
      said: "The sending domain was removed, so the message can't be signed any more",
    };
  }
  const route = await findRoute(app, delivery.domain);
  if (route.kind === "none") return route.outcome;

  const message = await app.threads.compose(await composeJob(app, due, domain.id));
  const from = makeReturnPath({
    deliveryId: delivery.id,
    domain: `${domain.returnPathLabel}.${domain.name}`,
    secret: app.secrets.derive("return-path"),
  });
  const offer: Offer = {
    message,
    envelope: { from, to: delivery.recipient },
    mustEncrypt: domain.tls === "enforced",
    signal,
  };

  let outcome: Outcome = {
    kind: "deferred",
    said: `No host of ${delivery.domain} answered`,
    class: "infrastructure",
  };
  let mayComeBack = false;
  const giveUpAt = performance.now() + maxAttemptMs;
  for (const name of route.names) {
    if (performance.now() > giveUpAt) break;
    const hops = await findHops(app, name, route);
    if (!Array.isArray(hops)) {
      // A host that can never be used must not turn the others' "later" into a bounce.
      if (hops.kind === "deferred" || !mayComeBack) outcome = hops;
      mayComeBack ||= hops.kind === "deferred";
      continue;
    }
    for (const hop of hops) {
      if (performance.now() > giveUpAt) break;
      const verdict = judge(await offerTo(app, hop, offer), hop.host);
      if (verdict.final || signal.aborted) return verdict.outcome;
      mayComeBack = true;
      outcome = verdict.outcome;
    }
  }
  app.log.debug(
    { email: email.id, delivery: delivery.id, outcome: outcome.kind },
    "no host took the message",
  );
  return outcome;
}

/** Past this no further host is asked: hosts that answer slowly on purpose must not hold a permit for hours. */
const maxAttemptMs = 300_000;

interface Offer {
  message: Uint8Array;
  envelope: { from: string; to: string };
  mustEncrypt: boolean;
  signal: AbortSignal;
}

async function offerTo(app: App, hop: Hop, { message, envelope, mustEncrypt, signal }: Offer) {
  const options = {
    ...hop,
    tls: mustEncrypt && hop.tls !== "implicit" ? ("mandatory" as const) : hop.tls,
    message,
    envelope,
    signal,
    ehloName: app.config.smtpOutbound.hostname,
    localAddress: localAddressFor(app, hop.address),
    // RFC 7435: encryption that anybody's certificate gives beats none; who must be sure has MTA-STS or DANE.
    rejectUnauthorized: false,
  };
  const conversation = await converse(options);
  if (conversation.kind !== "unreachable" || !conversation.tlsBroken || options.tls !== "opportunistic") {
    return conversation;
  }
  return converse({ ...options, tls: "off" });
}

function localAddressFor(app: App, address: string): string | undefined {
  const sameFamily = app.config.smtpOutbound.localAddresses.filter(
    (local) => isIPv6(local) === isIPv6(address),
  );
  return sameFamily[Math.floor(app.random() * sameFamily.length)];
}

/** The same job gives the same bytes at every attempt: Message-ID and date are the email's. */
async function composeJob(app: App, { email, content }: DueDelivery, domainId: string): Promise<ComposeJob> {
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
      attachments: await readAttachments(app, email.id),
    },
    keys: await signingKeysOf(app, domainId),
    signedAt: app.now(),
  };
}

async function readAttachments(app: App, emailId: string) {
  const rows = await listAttachments(app.db, emailId);
  return Promise.all(
    rows.map(async ({ filename, contentType, contentId, blobHash }) => {
      const content = await app.blobs.get(blobHash);
      if (!content) throw new Error(`the blob ${blobHash} of an attachment is missing`);
      return {
        filename: filename ?? undefined,
        contentType: contentType ?? undefined,
        contentId: contentId ?? undefined,
        content,
      };
    }),
  );
}
