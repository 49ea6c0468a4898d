/** What an operator does to the deliveries that wait: count, hold, resume, try now, bounce, cancel. */
import { type App, atomically, requireRole } from "../app.ts";
import type { Write } from "../db/write.ts";
import { listSubjects } from "../emails/store.ts";
import { Refusal } from "../errors.ts";
import { settleLane, touchLane } from "../jobs/store.ts";
import { isoTime } from "./explain.ts";
import { oneLine, type QueueFilter, shortLane } from "./queue-filter.ts";
import { endUnsent, type UnsentEnd } from "./queue-settle.ts";
import { hastenJobs, holdJobs, resumeJobs, showNextAttempt } from "./queue-store.ts";
import { countWaiting, type QueueCount, type Waiting, walkWaiting } from "./queue-walk.ts";

/** Matched the filter; were changed; and were left alone because they were being attempted or changed by others. */
export interface QueueResult {
  matched: number;
  changed: number;
  busy: number;
}

/** Small enough that a batch is a few milliseconds of the one thread. */
const batchSize = 100;

export async function countQueue(app: App, filter: QueueFilter): Promise<QueueCount> {
  return countWaiting(app.db, filter, app.now());
}

/** A delivery that waits, as people are shown it. */
export interface Queued
  extends Pick<Waiting, "id" | "state" | "isBusy" | "emailId" | "broadcastId" | "recipient" | "runAt"> {
  subject: string;
  /** Without the kind of work. */
  lane: string;
}

/** The first deliveries that match, up to a number; which are the first is the walk's to say. */
export async function listInQueue(app: App, filter: QueueFilter, most: number): Promise<Queued[]> {
  const found: Waiting[] = [];
  for await (const rows of walkWaiting(app.db, filter, app.now(), "later")) {
    found.push(...rows.slice(0, most - found.length));
    if (found.length === most) break;
  }
  const subjects = await listSubjects(app.db, filter.teamId, [
    ...new Set(found.map(({ emailId }) => emailId)),
  ]);
  return found.map(({ id, state, isBusy, emailId, broadcastId, recipient, runAt, lane }) => ({
    ...{ id, state, isBusy, emailId, broadcastId, recipient, runAt, lane: shortLane(lane) },
    subject: subjects.get(emailId) ?? "",
  }));
}

/** Refuses to go on where a filter does not match as many as whoever asks has seen. */
export async function requireCount(app: App, filter: QueueFilter, expected: number): Promise<void> {
  const { count } = await countQueue(app, filter);
  if (count === expected) return;
  throw new Refusal(
    "already_exists", // the answer of a state that is not what the client thinks: 409
    `The filter matches ${count} deliveries and not ${expected}. Nothing was changed; count again.`,
  );
}

/** Holds what waits now; what comes later is not held. */
export async function pauseQueue(app: App, filter: QueueFilter, reason?: string): Promise<QueueResult> {
  const note = `Held by an operator since ${isoTime(app.now())}${because(reason)}`;
  return act(app, filter, {
    towards: "sooner",
    concerns: ({ state }) => state !== "held",
    perform: (rows) => moveJobs(app, rows, (ids) => holdJobs(ids, note)),
  });
}

/** Lets held deliveries go on: at once, or at the time their email is scheduled for. */
export async function resumeQueue(app: App, filter: QueueFilter): Promise<QueueResult> {
  return act(app, filter, {
    towards: "later",
    concerns: ({ state }) => state === "held",
    perform: (rows) => moveJobs(app, rows, (ids) => resumeJobs(ids, app.now())),
  });
}

/** Tries now what waits for its next try. Scheduled emails are sent before their time only where the filter names them. */
export async function retryQueue(app: App, filter: QueueFilter): Promise<QueueResult> {
  const now = app.now();
  return act(app, filter, {
    towards: "later",
    concerns: ({ state, runAt }) =>
      runAt > now && state !== "held" && (state !== "scheduled" || filter.state === "scheduled"),
    perform: (rows) => moveJobs(app, rows, (ids) => hastenJobs(ids, app.now())),
  });
}

/** Ends deliveries as bounces of the operator's making; no address is suppressed for it. */
export async function bounceQueue(app: App, filter: QueueFilter, reason?: string): Promise<QueueResult> {
  const said = `Bounced by an operator${because(reason)}`;
  const bounce = { type: "Permanent", subType: "General", class: "policy", message: said };
  // RFC 3464 §2.3.6: the type says whose code it is; no host has said anything.
  const data = { bounce: { ...bounce, diagnosticCode: [`x-mailit; ${said}`] } };
  return end(app, filter, { state: "bounced", said, data });
}

/** Ends deliveries as if they had never been asked for. */
export async function cancelQueue(app: App, filter: QueueFilter, reason?: string): Promise<QueueResult> {
  const said = `Canceled by an operator${because(reason)}`;
  return end(app, filter, { state: "canceled", said, data: { canceled: { reason: said } } });
}

async function end(app: App, filter: QueueFilter, how: UnsentEnd): Promise<QueueResult> {
  return act(app, filter, {
    towards: "later",
    concerns: () => true,
    perform: (rows) => endUnsent(app, rows, how),
  });
}

interface Act {
  towards: "sooner" | "later";
  /** Whether there is anything to do for a delivery. */
  concerns(row: Waiting): boolean;
  /** Changes those that nobody has touched since they were seen, and gives how many. */
  perform(rows: Waiting[]): Promise<number>;
}

async function act(app: App, filter: QueueFilter, { towards, concerns, perform }: Act): Promise<QueueResult> {
  requireRole(app, "developer"); // also where nothing would change: nobody is told that it was done
  const result: QueueResult = { matched: 0, changed: 0, busy: 0 };
  for await (const rows of walkWaiting(app.db, filter, app.now(), towards)) {
    result.matched += rows.length;
    result.busy += rows.filter(({ isBusy }) => isBusy).length;
    const concerned = rows.filter((row) => !row.isBusy && concerns(row));
    for (let from = 0; from < concerned.length; from += batchSize) {
      const batch = concerned.slice(from, from + batchSize);
      const changed = await perform(batch);
      result.changed += changed;
      result.busy += batch.length - changed;
    }
  }
  return result;
}

/** Moves jobs in time, and with them what deliveries show and when their lanes are due. */
async function moveJobs(app: App, rows: Waiting[], move: (ids: string[]) => Write): Promise<number> {
  const ids = rows.map(({ id }) => id);
  const now = app.now();
  const lanes = [...new Set(rows.map(({ lane }) => lane))];
  const [moved] = await atomically(app, [
    { ...move(ids), dueAt: now },
    showNextAttempt(ids),
    // First that the lane is there and then, from its jobs, when it is due.
    ...lanes.flatMap((lane) => [touchLane(lane, now), settleLane(lane, now)]),
  ]);
  return moved!.rows.length;
}

function because(reason: string | undefined): string {
  const text = oneLine(reason);
  return text && `: ${text}`;
}
