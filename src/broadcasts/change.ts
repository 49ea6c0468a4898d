/** What is done to a broadcast before it is sent. */
import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { Refusal, SavedMeanwhile } from "../errors.ts";
import { newId } from "../ids.ts";
import { once } from "../jobs/once.ts";
import { type BroadcastFields, checkChanged, checkNew, type Written } from "./draft.ts";
import { changeRate, isOnItsWay } from "./rate.ts";
import { getBroadcast } from "./read.ts";
import type { Broadcast } from "./schema.ts";
import { changeIn, deleteDraft, insertBroadcast } from "./store.ts";

export async function createBroadcast(
  app: App,
  teamId: string,
  fields: BroadcastFields,
): Promise<{ id: string }> {
  return insertDraft(app, teamId, await checkNew(app, teamId, fields));
}

export async function insertDraft(app: App, teamId: string, written: Written): Promise<{ id: string }> {
  const now = app.now();
  const row: Broadcast = {
    ...written,
    id: newId(),
    teamId,
    status: "draft",
    ...{ problem: null, apiKeyId: null, emailId: null, conductor: null, pacedAt: null, paced: 0 },
    ...{ audienceEnd: null, cursor: null, steered: null, steerCursor: null, watched: null, watchedAt: null },
    ...{ recipients: 0, skippedUnsubscribed: 0, skippedSuppressed: 0 },
    ...{ scheduledAt: null, startedAt: null, sentAt: null, createdAt: now, updatedAt: now },
  };
  await atomically(app, [insertBroadcast(app.db, row)]);
  return { id: row.id };
}

/** Changes a draft; what is absent stays. One that was changed since `seen`, to something else, is not (`SavedMeanwhile`). */
export async function updateBroadcast(
  app: App,
  teamId: string,
  id: string,
  fields: BroadcastFields,
  seen?: Date,
): Promise<{ id: string }> {
  const broadcast = await getBroadcast(app, teamId, id);
  if (broadcast.status !== "draft") return updateOnItsWay(app, broadcast, fields);
  const written = await checkChanged(app, teamId, broadcast, fields);
  const changes = { ...written, problem: null, updatedAt: app.now() };
  if (await once(app, [changeIn(app.db, broadcast, ["draft"], changes, seen), expectChange()])) {
    return { id: broadcast.id };
  }
  const now = await getBroadcast(app, teamId, id);
  if (now.status !== "draft") throw onlyDrafts("updated", now);
  const stored: Partial<Record<string, unknown>> = now;
  const isTheSame = Object.entries(written).every(([name, value]) => Bun.deepEquals(value, stored[name]));
  if (!isTheSame) throw new SavedMeanwhile();
  return { id: broadcast.id };
}

/** Of one that is on its way nothing can be changed but how fast it goes. */
async function updateOnItsWay(
  app: App,
  broadcast: Broadcast,
  { ratePerMinute, ...rest }: BroadcastFields,
): Promise<{ id: string }> {
  const isRateAlone = Object.values(rest).every((value) => value === undefined);
  if (ratePerMinute !== undefined && isRateAlone) return changeRate(app, broadcast, ratePerMinute);
  if (!isOnItsWay(broadcast)) throw onlyDrafts("updated", broadcast);
  throw new Refusal(
    "validation_error",
    `Only draft broadcasts can be updated: this one is ${broadcast.status}. Of one that is on its way only \`messages_per_minute\` can be changed, and nothing else beside it.`,
  );
}

export async function deleteBroadcast(app: App, teamId: string, id: string): Promise<{ id: string }> {
  const broadcast = await getBroadcast(app, teamId, id);
  const isDone = await once(app, [deleteDraft(app.db, broadcast), expectChange()]);
  if (!isDone) throw onlyDrafts("deleted", await getBroadcast(app, teamId, id));
  return { id: broadcast.id };
}

/** A draft of the same words, for the same people. */
export async function duplicateBroadcast(app: App, teamId: string, id: string): Promise<{ id: string }> {
  const {
    name,
    segmentId,
    topicId,
    sender,
    subject,
    replyTo,
    previewText,
    html,
    text,
    ratePerMinute,
    fallbacks,
  } = await getBroadcast(app, teamId, id);
  return insertDraft(app, teamId, {
    ...{ name: `${name} (copy)`.slice(0, 200), segmentId, topicId, sender, subject, replyTo },
    ...{ previewText, html, text, ratePerMinute, fallbacks },
  });
}

const onlyDrafts = (how: string, { status }: Pick<Broadcast, "status">) =>
  new Refusal(
    "validation_error",
    `Only draft broadcasts can be ${how}: this one is ${status}. Cancel it first if it has not begun, or duplicate it.`,
  );
