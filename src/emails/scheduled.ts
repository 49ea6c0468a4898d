/** What may still be changed about an email that waits for its time: the time, and whether it is sent at all. */
import { type App, atomically } from "../app.ts";
import { expectChange, type Write } from "../db/write.ts";
import { findDomain } from "../domains/store.ts";
import { Refusal, WriteConflict } from "../errors.ts";
import { recordEvent } from "../events/record.ts";
import { notBefore, settleLane, touchLane } from "../jobs/store.ts";
import { getEmail } from "./read.ts";
import {
  cancelDeliveries,
  cancelUntouched,
  listLanesOf,
  moveDeliveries,
  moveJobs,
  moveUntouched,
  removeJobs,
} from "./scheduled-store.ts";
import type { LastEvent } from "./schema.ts";

/** Takes back an email before anybody has begun to send it. */
export async function cancelEmail(app: App, teamId: string, emailId: string): Promise<{ id: string }> {
  const { id, domainId, lastEvent } = await getEmail(app, teamId, emailId);
  if (lastEvent !== "scheduled") throw refusal(lastEvent, "canceled");
  const now = app.now();
  // Read beforehand: a job leaves its lane only when a node takes it on, and then nothing is written here.
  const lanes = await listLanesOf(app.db, id);
  return change(app, teamId, id, "canceled", [
    cancelUntouched(teamId, id),
    expectChange(),
    removeJobs(id),
    cancelDeliveries(id, "Canceled before its time", now),
    ...lanes.map((lane) => settleLane(lane, now)),
    ...recordEvent(app, { type: "email.canceled", teamId, emailId: id, domainId }),
  ]);
}

/**
 * Gives a scheduled email another time. A time that is over means now: the email is then queued like one that was never
 * scheduled, and can't be taken back any more. No other time for one whose domain may not send: moved on and on, it would
 * keep the domain from the team that shows it to be theirs.
 */
export async function rescheduleEmail(
  app: App,
  teamId: string,
  emailId: string,
  wanted: Date,
): Promise<{ id: string }> {
  const { id, domainId, lastEvent } = await getEmail(app, teamId, emailId);
  if (lastEvent !== "scheduled") throw refusal(lastEvent, "rescheduled");
  const now = app.now();
  const at = notBefore(wanted, now); // the message is dated by it, and mail dated in the past looks like spam
  const isDue = at <= now;
  if (!isDue) await refuseWithoutDomain(app, teamId, domainId);
  const lanes = await listLanesOf(app.db, id);
  return change(app, teamId, id, "rescheduled", [
    moveUntouched(teamId, id, { at, lastEvent: isDue ? "queued" : "scheduled" }),
    expectChange(),
    moveJobs(id, at),
    moveDeliveries(id, at),
    // First that the lane is there and then, from its jobs, when it is due.
    ...lanes.flatMap((lane) => [touchLane(lane, at), settleLane(lane, now)]),
    ...(isDue ? recordEvent(app, { type: "email.queued", teamId, emailId: id, domainId }) : []),
  ]);
}

async function refuseWithoutDomain(app: App, teamId: string, domainId: string | null): Promise<void> {
  const domain = domainId === null ? undefined : await findDomain(app.db, teamId, domainId);
  if (domain?.sending && domain.verifiedAt !== null) return;
  if (!domain) {
    throw new Refusal(
      "domain_not_verified",
      "The domain of this email was removed, so it can't be given another time: cancel it, and send it from a domain of your team.",
    );
  }
  const { name, sending } = domain;
  const [is, cure] = sending ? ["is not verified", "Verify it"] : ["does not send", "Enable sending for it"];
  throw new Refusal(
    "domain_not_verified",
    `The domain ${name} ${is} any more, so its emails can't be given another time. ${cure} first, or send this one now, or cancel it.`,
  );
}

type Change = "canceled" | "rescheduled";

/** Writes all of it, or says why the email is not to be changed any more. */
async function change(
  app: App,
  teamId: string,
  id: string,
  how: Change,
  writes: Write[],
): Promise<{ id: string }> {
  try {
    await atomically(app, writes);
    return { id };
  } catch (error) {
    if (!(error instanceof WriteConflict) || error.kind !== "stale") throw error;
    throw refusal((await getEmail(app, teamId, id)).lastEvent, how);
  }
}

/** Asked first, too: a broadcast is an email with a million deliveries, whose lanes must not be looked up in vain. */
const refusal = (lastEvent: LastEvent, how: Change) =>
  new Refusal(
    "validation_error",
    `Only a scheduled email can be ${how}: this one ${whyNot(lastEvent, how)}.`,
  );

function whyNot(lastEvent: LastEvent, how: Change): string {
  if (lastEvent === "scheduled") return "is being sent";
  if (lastEvent !== "canceled") {
    return `is not waiting for its time any more (its last event is \`${lastEvent}\`)`;
  }
  return how === "canceled" ? "was canceled already" : "was canceled; send it anew with the other time";
}
