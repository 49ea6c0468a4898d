/** One try to hand one recipient's copy of an email to their mail server. */
import type { App } from "../app.ts";
import { deliver } from "../emails/jobs.ts";
import { rememberLane } from "../emails/lanes.ts";
import { whyContentless } from "../emails/read.ts";
import { StorageUnavailable } from "../errors.ts";
import { again, done, type Ending, type Held, handle, laneOf } from "../jobs/job.ts";
import { blockLane, findLane, moveWaiting } from "../jobs/store.ts";
import { makeReturnPath } from "../mail/verp.ts";
import { whySuppressed } from "../suppressions/suppress.ts";
import { allowanceOf, rateLimiter } from "./allowance.ts";
import { type AttemptRecord, askHosts } from "./ask.ts";
import { awaitsTurn, stoppedWithBroadcast } from "./broadcast.ts";
import { makeMessage } from "./message.ts";
import type { Outcome, TriedOutcome } from "./outcome.ts";
import { recordTry, type Tried } from "./record.ts";
import { findRoute, type Route } from "./route.ts";
import type { Site } from "./site.ts";
import { sitesOf } from "./sites.ts";
import { type DueDelivery, findDueDelivery } from "./store.ts";
import { tlsWish } from "./tls-wish.ts";

export const delivering = handle(
  deliver,
  async (app, { deliveryId }, held) => {
    const due = await findDueDelivery(app.db, deliveryId);
    // An earlier hold wrote the outcome and died before its job went, or the email was canceled: nothing is left to do.
    if (!due || (due.delivery.state !== "queued" && due.delivery.state !== "deferred")) return done();
    const tried = await tryOnce(app, due, held).catch((error: unknown) => blame(app, due, error));
    if ("kind" in tried) return tried;
    // Our stop is no news about the recipient, and no attempt; unless the host may have the message already.
    const { outcome } = tried;
    const isOpen = outcome.kind === "deferred" ? !outcome.ambiguous : tried.isUnfinished === true;
    if (held.signal.aborted && isOpen) {
      return again(app.now(), "the server was stopped");
    }
    return recordTry(app, due, tried);
  },
  { allowance: allowanceOf },
);

/** Ends in what was tried; or in an ending of the job that is no try, when its site has no room for it now. */
async function tryOnce(app: App, due: DueDelivery, held: Held): Promise<Tried | Ending> {
  const { delivery, email, content, hasSource, domain } = due;
  const seenAt = app.now();
  const refused = (await whyNot(app, due)) ?? awaitsTurn(app, due);
  if (refused) return refused;
  if (!domain) {
    const said = "The sending domain was removed, so the message can't be signed any more";
    return { outcome: { kind: "failed", said }, attempts: [] };
  }
  const contentless = whyContentless(email, content, hasSource);
  if (contentless !== undefined) {
    // Ours to answer for: nobody may hear of it by an empty message.
    app.log.error(
      { email: email.id, delivery: delivery.id },
      "an email was to be sent whose content is gone",
    );
    return { outcome: { kind: "failed", said: contentless }, attempts: [] };
  }
  const route = await findRoute(app, delivery.domain);
  if (route.kind === "none") return { outcome: route.outcome, attempts: [withoutHost(app, route.outcome)] };

  const site = sitesOf(app).get(route.site, route.hosts, route.domain);
  rememberLane(app, delivery.domain, site.name);
  const later = (await waitsInLane(app, site, held)) ?? takesToken(app, site);
  if (later) return later;
  return offer(app, { due, seenAt, domain, route, site }, held);
}

/** What keeps a delivery from being made: its broadcast was stopped, or the recipient is not to have it. */
async function whyNot(app: App, due: DueDelivery): Promise<Tried | Ending | undefined> {
  const stopped = stoppedWithBroadcast(app, due);
  if (stopped) return "outcome" in stopped ? { outcome: stopped.outcome, attempts: [] } : stopped;
  const { teamId, recipient } = due.delivery;
  const reason = due.unwanted ?? (await whySuppressed(app, teamId, recipient));
  return reason && { outcome: { kind: "suppressed", reason }, attempts: [] };
}

/** A pause holds within a second (and so does whoever leaves): what was seen longer ago is looked at again. */
const freshMs = 500;

/** The same of a delivery that has waited for its hosts' names or for a connection. */
async function whyNotAnyMore(app: App, { due, seenAt }: Offer): Promise<Tried | Ending | undefined> {
  if (app.now().getTime() - seenAt.getTime() <= freshMs) return undefined;
  const seen = await findDueDelivery(app.db, due.delivery.id);
  return seen ? whyNot(app, seen) : done();
}

interface Offer {
  due: DueDelivery;
  /** When `due` was read. */
  seenAt: Date;
  domain: NonNullable<DueDelivery["domain"]>;
  route: Route;
  site: Site;
}

/** How long a delivery waits in memory for a connection before it goes back into line. */
const patienceMs = 30_000;

async function offer(app: App, offered: Offer, { lane, signal }: Held): Promise<Tried | Ending> {
  const { due, domain, route, site } = offered;
  const wish = await tlsWish(app, route, domain);
  const message = await makeMessage(app, due, domain);
  const envelope = {
    from: makeReturnPath({
      deliveryId: due.delivery.id,
      domain: `${domain.returnPathLabel}.${domain.name}`,
      secret: app.secrets.derive("return-path"),
    }),
    to: due.delivery.recipient,
  };
  try {
    // In a foreign lane nobody counts what waits here: it takes its place in the site's own at once.
    const patience = lane === site.name ? patienceMs : 0;
    if (!(await site.enter(patience, signal))) {
      return patience === 0
        ? again(app.now(), inLineOf(site), [], { lane: site.name })
        : backInLine(app, site);
    }
    try {
      const refused = await whyNotAnyMore(app, offered);
      if (refused) return refused;
      const question = { route, site, wish, envelope, message: message.bytes, signal };
      const { outcome, attempts, pauseMs, isCrowded, isUnfinished } = await askHosts(app, question);
      if (isCrowded) return backInLine(app, site);
      const writes = pauseMs === undefined ? [] : [pause(app, site, pauseMs, outcome)];
      return { outcome, attempts, lane: site.name, writes, isUnfinished };
    } finally {
      site.leave();
    }
  } finally {
    message.release();
  }
}

/**
 * A delivery may be attempted from its domain's own lane, where it stands until its hosts are known, as long as nobody
 * waits at the site; otherwise it takes its place in the site's lane, where limits and pauses are kept.
 */
async function waitsInLane(app: App, site: Site, held: Held): Promise<Ending | undefined> {
  if (held.lane === site.name) return undefined;
  const lane = await findLane(app.db, laneOf(deliver, site.name));
  const isBlocked = lane?.blockedUntil != null && lane.blockedUntil > app.now();
  if (site.hasRoom && !isBlocked) return undefined;
  const now = app.now();
  // Those behind it would come to the same end one by one: of a broadcast a hundred thousand stand in one lane.
  const others = moveWaiting(laneOf(deliver, held.lane), laneOf(deliver, site.name), now, movedAtOnce);
  return again(now, inLineOf(site), [others], { lane: site.name });
}

const movedAtOnce = 500;

const inLineOf = (site: Site): string => `waits in the lane of ${site.name}`;

/** Takes one message's worth of the site's rate; without any, the whole lane waits until there is. */
function takesToken(app: App, site: Site): Ending | undefined {
  const { rate } = site;
  const now = app.now();
  if (!rate || rate.take(now)) return undefined;
  const until = rate.nextAt(now);
  const by = rateLimiter(site);
  return again(until, by, [blockLane(laneOf(deliver, site.name), until, by)], { lane: site.name });
}

const inLineMs = 5_000;

/** Its site takes no more connections than it has: that is nobody's refusal of this message, and no attempt. */
function backInLine(app: App, site: Site): Ending {
  const at = new Date(app.now().getTime() + inLineMs * (1 + app.random()));
  const why = `${site.name} takes no more than ${site.limit} connections now, and all are in use`;
  return again(at, why, [], { lane: site.name });
}

function pause(app: App, site: Site, pauseMs: number, outcome: Outcome) {
  const said = "said" in outcome ? outcome.said : "";
  const until = new Date(app.now().getTime() + pauseMs);
  return blockLane(laneOf(deliver, site.name), until, `${site.name} asked to be left alone: ${said}`);
}

/**
 * A fault in making the message is an attempt that came to nothing: it shows its reason, follows the retry plan and is
 * given up in the end, where a job that only fails would come back for ever and leave the delivery "queued".
 */
function blame(app: App, { delivery, email }: DueDelivery, error: unknown): Tried {
  if (error instanceof StorageUnavailable) throw error;
  app.log.error({ err: error, email: email.id, delivery: delivery.id }, "a message could not be made");
  const reason = error instanceof Error ? error.message : String(error);
  const outcome: Outcome = {
    kind: "deferred",
    said: `The message could not be made: ${reason}`,
    class: "infrastructure",
  };
  return { outcome, attempts: [withoutHost(app, outcome)] };
}

/** The record of a try that never came to a host. */
function withoutHost(app: App, outcome: TriedOutcome): AttemptRecord {
  const now = app.now();
  return {
    outcome: outcome.kind,
    class: "class" in outcome ? outcome.class : null,
    host: null,
    address: null,
    localAddress: null,
    reused: false,
    steps: [],
    tls: null,
    limiter: null,
    said: outcome.said,
    startedAt: now,
    endedAt: now,
  };
}
