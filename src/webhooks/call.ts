/** One call of an endpoint with one event. */
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { recordSelected } from "../events/record-selected.ts";
import type { Event } from "../events/schema.ts";
import type { HttpAnswer } from "../http/client.ts";
import { newId } from "../ids.ts";
import { again, done, type Ending, enqueue, type Held, handle, laneOf } from "../jobs/job.ts";
import { settleLane, touchLane } from "../jobs/store.ts";
import { bodyOf, takeRoom } from "./body.ts";
import { callPending, type DueCall, findDueCall, insertAttempt, settleEvent } from "./event-store.ts";
import { allowanceOf, noteCall } from "./health.ts";
import { callWebhook, clearWebhook } from "./jobs.ts";
import { newAttemptId } from "./message-id.ts";
import type { Webhook, WebhookAttempt } from "./schema.ts";
import { signingSecrets } from "./service.ts";
import { signatureHeaders } from "./signature.ts";
import {
  disabledEvent,
  disableFailing,
  endSubscriptionsIfDisabled,
  failingSinceAt,
  forgetFailures,
  noteFailure,
} from "./store.ts";
import { inTurn } from "./turns.ts";

/** How much of an answer is kept. */
const keptBytes = 4_096;

/** An endpoint that has only failed for so long is disabled. */
export const disabledAfterMs = 5 * 24 * 3_600_000;

export const callingWebhooks = handle(
  callWebhook,
  (app, { webhookId, id, emailId }, held) =>
    inTurn(app, `${webhookId} ${emailId ?? id}`, () => call(app, webhookId, id, held)),
  { allowance: allowanceOf },
);

async function call(app: App, webhookId: string, id: string, held: Held): Promise<Ending> {
  // Nothing has begun yet; it may have waited for its turn.
  if (held.signal.aborted) return again(app.now(), "the server was stopped");
  const due = await findDueCall(app.db, webhookId, id);
  if (due?.told.status !== "pending") return done();
  if (due.webhook.status === "disabled") return done([settled(due, "failed", due.told.tries)]);
  const { event } = due;
  if (!event) return done([settled(due, "failed", due.told.tries)]); // no longer kept, so nobody knows what to tell
  const giveBack = await takeRoom(app, due, event);
  try {
    return record(app, due, await ask(app, due, event));
  } finally {
    giveBack();
  }
}

type Attempt = Pick<WebhookAttempt, "httpStatus" | "response" | "error" | "durationMs" | "createdAt">;

async function ask(app: App, due: DueCall, event: Event): Promise<Attempt> {
  const { told, webhook } = due;
  const { timeout, allowPrivateAddresses } = app.config.webhooks;
  const body = await bodyOf(app, due, event);
  const createdAt = app.now();
  const timestamp = Math.floor(createdAt.getTime() / 1000);
  const startedAt = performance.now();
  const answer = await app.http.request({
    url: webhook.endpoint,
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "MailIt-Webhook/1.0",
      "x-webhook-id": webhook.id,
      ...signatureHeaders(signingSecrets(app, webhook), { id: told.id, timestamp, body }),
    },
    body,
    timeoutMs: timeout,
    maxBytes: keptBytes,
    onTooBig: "cut",
    httpsOnly: !allowPrivateAddresses,
  });
  return { ...judge(answer), durationMs: Math.round(performance.now() - startedAt), createdAt };
}

function judge(answer: HttpAnswer): Pick<Attempt, "httpStatus" | "response" | "error"> {
  if (answer.kind === "failed") {
    return { httpStatus: null, response: "", error: `The endpoint could not be called: ${answer.reason}.` };
  }
  const { status: httpStatus, body } = answer;
  const response = new TextDecoder().decode(body).replaceAll("\0", "\uFFFD"); // SQLite would end the text there
  if (httpStatus >= 200 && httpStatus < 300) return { httpStatus, response, error: null };
  const why =
    httpStatus >= 300 && httpStatus < 400
      ? "redirects are not followed, so give the URL it leads to as the endpoint"
      : "only 2xx says that an event was taken";
  return { httpStatus, response, error: `The endpoint answered ${httpStatus}; ${why}.` };
}

/** How the job ends: the attempt, the event and how the endpoint has been doing, in one batch. */
function record(app: App, due: DueCall, attempt: Attempt): Ending {
  const { told, webhook } = due;
  const now = app.now();
  const { webhookId, id: messageId } = told;
  const tries = told.tries + 1;
  const writes = [insertAttempt({ ...attempt, webhookId, messageId, id: newAttemptId(now) })];
  noteCall(app, webhookId, { isSuccess: attempt.error === null, durationMs: attempt.durationMs });
  if (attempt.error === null) {
    if (webhook.failingSince !== null) writes.push(forgetFailures(app.db, webhookId));
    return done([...writes, settled(due, "success", tries)]);
  }
  writes.push(noteFailure(webhookId, now));
  const since = failingSinceAt(webhook, now);
  if (since && now.getTime() - since.getTime() >= disabledAfterMs) {
    const ended = disable(app, webhook, since, attempt.error);
    return done([...writes, ...ended, settled(due, "failed", tries)]);
  }
  const delay = app.config.webhooks.retryDelays[tries - 1];
  if (delay === undefined)
    return done([...writes, settled(due, "failed", tries), ...callIfReplayed(due, now)]);
  const at = new Date(now.getTime() + Math.round(delay * (0.8 + 0.4 * app.random())));
  return again(at, attempt.error, [...writes, settled(due, "pending", tries)]);
}

const settled = (
  { told: { webhookId, id, tries: wasTries } }: DueCall,
  status: "pending" | "success" | "failed",
  tries: number,
) => settleEvent({ webhookId, id, status, tries, wasTries });

/** An event that was replayed during its last call still waits, and has no job any more. */
function callIfReplayed({ told: { webhookId, id } }: DueCall, now: Date): Write[] {
  const lane = laneOf(callWebhook, webhookId);
  return [callPending(webhookId, [id], now), touchLane(lane, now), settleLane(lane, now)];
}

/** Several calls may come to this at once: the first disables the endpoint and says so. */
function disable(app: App, { id, teamId }: Webhook, since: Date, error: string): Write[] {
  const reason = `Every call has failed since ${since.toISOString()}. The last one: ${error}`;
  const list = JSON.stringify({ id, eventId: newId(), reason, since: since.getTime() });
  return [
    ...recordSelected(app, { type: "webhook.disabled", teamId, select: disabledEvent, list }),
    disableFailing(id, since, reason),
    endSubscriptionsIfDisabled(id),
    ...enqueue(app, clearWebhook, { webhookId: id }),
  ];
}
