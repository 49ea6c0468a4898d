/** What hung on a property, segment or topic that is gone; each can be begun again after a crash. */
import { setImmediate } from "node:timers/promises";
import { type App, atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { done, handle } from "../jobs/job.ts";
import { clearProperty, clearSegment, clearTopic } from "./jobs.ts";
import { dropDefinition, takeValues } from "./properties.ts";
import { nextStretch } from "./store.ts";

/** Written in one batch, so that no other write waits long behind it. */
const rowsPerSlice = 1_000;

export const clearingProperty = handle(clearProperty, async (app, { teamId, id, key }, { signal }) => {
  for (let beyond: string | undefined; !signal.aborted; ) {
    const stretch = await nextStretch(app.db, teamId, beyond, rowsPerSlice);
    if (!stretch) break;
    await atomically(app, [takeValues(teamId, key, stretch)]);
    beyond = stretch.to;
    await setImmediate();
  }
  signal.throwIfAborted();
  return done([dropDefinition(id)]);
});

export const clearingSegment = handle(clearSegment, async (app, { segmentId }, { signal }) => {
  await clearSlices(app, members, segmentId, signal);
  return done();
});

export const clearingTopic = handle(clearTopic, async (app, { topicId }, { signal }) => {
  await clearSlices(app, choices, topicId, signal);
  return done();
});

const members = `
  delete from segment_members where segment_id = ?1 and contact_id in (
    select contact_id from segment_members where segment_id = ?1 limit ?2)`;
const choices = `
  delete from contact_topics where topic_id = ?1 and contact_id in (
    select contact_id from contact_topics where topic_id = ?1 limit ?2)`;

async function clearSlices(app: App, text: string, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const [slice] = await atomically(app, [rawWrite(text, [id, rowsPerSlice])]);
    if (slice!.changes < rowsPerSlice) return;
    await setImmediate();
  }
}
