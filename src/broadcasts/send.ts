/** What sets a broadcast going, and what stops it. */
import type { App } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { permittedDomain, type Sender } from "../emails/admit.ts";
import { Refusal } from "../errors.ts";
import { newId } from "../ids.ts";
import { enqueue, laneOf } from "../jobs/job.ts";
import { once } from "../jobs/once.ts";
import { removeWaitingJob, settleLane } from "../jobs/store.ts";
import { parseAddress } from "../mail/address.ts";
import { insertDraft } from "./change.ts";
import { type BroadcastFields, checkNew } from "./draft.ts";
import { conduct } from "./jobs.ts";
import { paceFrom } from "./pace.ts";
import { getBroadcast } from "./read.ts";
import type { Broadcast, BroadcastStatus } from "./schema.ts";
import { changeIn } from "./store.ts";

/** Makes a broadcast and sends it; nothing is made where it may not be sent. */
export async function createAndSend(
  app: App,
  sender: Sender,
  fields: BroadcastFields,
  scheduledAt?: Date,
): Promise<{ id: string }> {
  const written = await checkNew(app, sender.teamId, fields);
  await permittedDomain(app, sender, parseAddress(written.sender)!);
  const { id } = await insertDraft(app, sender.teamId, written);
  return sendBroadcast(app, sender, id, scheduledAt);
}

/**
 * Sends a draft: at once, or at a time that is still to come. One that was changed since `seen` is not sent: whoever looked
 * at it then meant something else.
 */
export async function sendBroadcast(
  app: App,
  sender: Sender,
  id: string,
  scheduledAt?: Date,
  seen?: Date,
): Promise<{ id: string }> {
  const broadcast = await getBroadcast(app, sender.teamId, id);
  await permittedDomain(app, sender, parseAddress(broadcast.sender)!);
  const now = app.now();
  const isLater = scheduledAt !== undefined && scheduledAt > now;
  return change(app, broadcast, ["draft"], {
    changes: {
      status: isLater ? "scheduled" : "queued",
      scheduledAt: isLater ? scheduledAt : null,
      apiKeyId: sender.keyId ?? null,
      problem: null,
    },
    runAt: isLater ? scheduledAt : now,
    asOf: seen ?? broadcast.updatedAt,
    refuse: (status) =>
      `Only draft broadcasts can be sent: this one is ${status}. Duplicate it to send it again.`,
  });
}

const changedMeanwhile = () =>
  new Refusal(
    "already_exists",
    "The broadcast was changed meanwhile, and is not sent. Look at what it says now, and send it then.",
  );

/**
 * Takes back a broadcast that has not begun: it is a draft again. One that is paused ends for good; what has gone out is
 * out.
 */
export async function cancelBroadcast(app: App, teamId: string, id: string): Promise<{ id: string }> {
  const broadcast = await getBroadcast(app, teamId, id);
  const refuse = () => "Only queued or scheduled broadcasts can be canceled";
  if (broadcast.status === "paused") {
    return change(app, broadcast, ["paused"], { changes: { status: "canceled" }, refuse });
  }
  const isDone = await once(app, [
    changeIn(app.db, broadcast, ["scheduled", "queued"], {
      ...{ status: "draft", scheduledAt: null, conductor: null, updatedAt: app.now() },
    }),
    expectChange(),
    ...(broadcast.conductor === null ? [] : [removeWaitingJob(broadcast.conductor)]),
    settleLane(laneOf(conduct, broadcast.id), app.now()),
  ]);
  if (!isDone) throw new Refusal("validation_error", refuse());
  return { id: broadcast.id };
}

/** Stops a broadcast at once: what is being handed over goes, nothing else is begun. */
export async function pauseBroadcast(app: App, teamId: string, id: string): Promise<{ id: string }> {
  return change(app, await getBroadcast(app, teamId, id), ["sending"], {
    changes: { status: "paused" },
    refuse: (status) => `Only a broadcast that is being sent can be paused: this one is ${status}.`,
  });
}

export async function resumeBroadcast(app: App, teamId: string, id: string): Promise<{ id: string }> {
  return change(app, await getBroadcast(app, teamId, id), ["paused"], {
    // The time of the pause is no time in which anybody had their turn.
    changes: { status: "sending", ...paceFrom(app.now()), watchedAt: null },
    refuse: (status) => `Only a paused broadcast can be resumed: this one is ${status}.`,
  });
}

interface Change {
  changes: Partial<Broadcast>;
  /** When its conductor is to act on it. */
  runAt?: Date;
  /** Where it was last changed at that time alone. */
  asOf?: Date;
  refuse(status: BroadcastStatus): string;
}

/** Changes a broadcast in one of these states, with a conductor to act on it. */
async function change(
  app: App,
  broadcast: Broadcast,
  states: BroadcastStatus[],
  { changes, runAt, asOf, refuse }: Change,
): Promise<{ id: string }> {
  const { id, teamId } = broadcast;
  const conductor = newId();
  const writes: Write[] = [
    changeIn(app.db, broadcast, states, { ...changes, conductor, updatedAt: app.now() }, asOf),
    expectChange(),
    ...enqueue(app, conduct, { broadcastId: id }, { id: conductor, lane: id, runAt }),
  ];
  if (await once(app, writes)) return { id };
  const { status } = await getBroadcast(app, teamId, id);
  if (states.includes(status)) throw changedMeanwhile();
  throw new Refusal("validation_error", refuse(status));
}
