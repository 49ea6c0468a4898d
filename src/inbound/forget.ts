import { type App, atomically } from "../app.ts";
import { recurring } from "../jobs/recurring.ts";
import { deleteUnnamedBlobs, forgetInbound, listUnnamedBlobs, postponeUnnamedBlobs } from "./store.ts";

/** Rows removed in one batch, so that no other write waits long behind it. */
const rowsPerSlice = 200;

/**
 * How long a blob that nothing names is kept. Who stores a blob names it in the batch that follows, well within this, and
 * storing makes it young again: so none is removed between the two.
 */
const graceMs = 3_600_000;

/** No message may take as long to come in; see the pace of the listeners. */
const abandonedMs = 86_400_000;

/** Removes mail that is older than `retention.inbound`, and blobs that it was the last to name. */
export const forgettingInbound = recurring("forget_inbound", 3_600_000, (app) => forgetOldInbound(app));

export async function forgetOldInbound(app: App, slice = rowsPerSlice): Promise<void> {
  const { inbound: keptFor } = app.config.retention;
  if (keptFor !== "forever") {
    const before = new Date(app.now().getTime() - keptFor);
    let removed: number;
    do {
      const results = await atomically(app, forgetInbound(before, slice, app.now()));
      removed = results.at(-1)!.changes;
    } while (removed === slice);
  }
  await removeUnnamedBlobs(app, slice);
  await app.blobs.removeAbandoned(new Date(app.now().getTime() - abandonedMs));
}

/** Safe beside whoever stores the same bytes at this moment: see `removeStale`. */
async function removeUnnamedBlobs(app: App, slice: number): Promise<void> {
  const before = new Date(app.now().getTime() - graceMs);
  for (;;) {
    const candidates = await listUnnamedBlobs(app.db, before, slice);
    if (candidates.length === 0) return;
    const settled: string[] = [];
    const young: string[] = [];
    for (const { hash, isNamed } of candidates) {
      const isGone = isNamed || (await app.blobs.removeStale(hash, before));
      (isGone ? settled : young).push(hash);
    }
    await atomically(app, [deleteUnnamedBlobs(settled), postponeUnnamedBlobs(young, app.now())]);
  }
}
