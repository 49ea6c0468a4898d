/** What emails say is removed once it has been kept for as long as `retention.content` says: bodies, fills and files. */
import { setImmediate } from "node:timers/promises";
import { type App, atomically } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { leastIdAt } from "../ids.ts";
import { once } from "../jobs/once.ts";
import { recurring } from "../jobs/recurring.ts";
import { steadyNow } from "../jobs/steady.ts";
import { findWalk, moveWalk } from "../jobs/walks.ts";
import { sharedForMs } from "./content.ts";
import {
  forgetKept,
  forgetMergeValues,
  isBroadcastEnded,
  keepContents,
  listKept,
  listPast,
  type Past,
  removeContent,
} from "./retention-store.ts";

/** Emails of one batch, so that no other write waits long behind it. */
const emailsPerSlice = 200;
/** What there is to do after an upgrade, or an hour of mail for everybody, is spread out. */
const slicesPerRun = 200;

/**
 * No email comes up later than this: it may be on disk later than its id was made, by what fetching its files takes and by
 * other nodes' clocks.
 */
const lagMs = 3_600_000;

/** So long a body may still be given to other emails. */
const leastMs = sharedForMs + lagMs;

/** The walks: through the emails, and again and again through who was passed over. */
const walked = { emails: "content_of_emails", kept: "kept_contents" } as const;

export const forgettingContent = recurring("forget_content", 60_000, async (app) => {
  if (app.config.retention.content !== "forever")
    await forgetContent(app, await steadyNow(app, "content_time"));
});

export async function forgetContent(app: App, now = app.now(), slice = emailsPerSlice): Promise<void> {
  const { content: keptFor } = app.config.retention;
  if (keptFor === "forever") return;
  const before = new Date(now.getTime() - Math.max(keptFor, leastMs));
  await lookAgain(app, before, slice);
  for (let n = 0; n < slicesPerRun && (await passEmails(app, before, slice)); n++) await setImmediate();
}

/**
 * Emails are walked in the order of their ids, which is that of their acceptance: no index is needed. Those that still keep
 * what they say are written down, to be asked about again. False at the end.
 */
async function passEmails(app: App, before: Date, slice: number): Promise<boolean> {
  const from = await findWalk(app.db, walked.emails);
  const end = leastIdAt(before);
  if (end < from) {
    // By a clock that was ahead, or while less was kept: what was accepted meanwhile would never be come by.
    await once(app, [moveWalk(walked.emails, from, end), expectChange()]);
    return false;
  }
  const rows = await listPast(app.db, { after: from, end, limit: slice }, before);
  if (rows.length === 0) return false;
  const { over, kept } = await divide(app, rows, before);
  const isMoved = await once(app, [
    // To a row that was seen, and not to a time: the clock may be wrong.
    moveWalk(walked.emails, from, rows.at(-1)!.id),
    expectChange(),
    ...removeContent(over, app.now()),
    ...keepContents(kept),
  ]);
  return isMoved && rows.length === slice;
}

/** The same for those that were passed over: a slice at a time, from the beginning again after the last. */
async function lookAgain(app: App, before: Date, slice: number): Promise<void> {
  const from = await findWalk(app.db, walked.kept);
  const rows = await listKept(app.db, { after: from, limit: slice }, before);
  if (rows.length === 0 && from === "") return;
  const to = rows.length < slice ? "" : rows.at(-1)!.id;
  const { over } = await divide(app, rows, before);
  await atomically(app, [
    ...(to === from ? [] : [moveWalk(walked.kept, from, to)]),
    ...removeContent(over, app.now()),
    ...forgetKept(over),
  ]);
}

/** Whose content has been kept for long enough, and whose has not. */
async function divide(app: App, rows: Past[], before: Date): Promise<{ over: Past[]; kept: Past[] }> {
  const over: Past[] = [];
  const kept: Past[] = [];
  for (const row of rows) ((await isOver(app, row, before)) ? over : kept).push(row);
  return { over, kept };
}

/** A broadcast may have a million deliveries: they are looked at a slice at a time, and what was filled in for each goes. */
async function isOver(app: App, { id, isBroadcast, isSettled }: Past, before: Date): Promise<boolean> {
  if (!isBroadcast) return isSettled;
  if (!(await isBroadcastEnded(app.db, id, before))) return false;
  await forgetMergeValues(app, id);
  return true;
}
