/** Blobs that nobody ever named: who stored one died, or was refused, before the row that names it was written. */
import { setImmediate } from "node:timers/promises";
import type { App } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { once } from "../jobs/once.ts";
import { recurring } from "../jobs/recurring.ts";
import { findWalk, moveWalk } from "../jobs/walks.ts";
import { listOrphans } from "./store.ts";

/** Far longer than anybody takes from storing a blob to naming it; storing makes it young again. */
const graceMs = 86_400_000;

/** Asked about by one statement. */
const hashesAtOnce = 500;

/** Of the 256 parts of the store, by the first two digits of their names: all are looked through in a day. */
const partsPerRun = 11;
const parts = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));

const walk = "blobs";

export const removingOrphans = recurring("remove_orphans", 3_600_000, (app) => removeOrphans(app));

export async function removeOrphans(app: App, most = partsPerRun): Promise<void> {
  const { list } = app.blobs;
  if (!list) return;
  for (let n = 0; n < most; n++) {
    const from = await findWalk(app.db, walk);
    const part = parts.find((each) => each > from) ?? parts[0]!;
    await removeUnnamed(app, await list(part));
    if (!(await once(app, [moveWalk(walk, from, part), expectChange()]))) return;
  }
}

async function removeUnnamed(app: App, all: string[]): Promise<void> {
  const before = new Date(app.now().getTime() - graceMs);
  for (let at = 0; at < all.length; at += hashesAtOnce) {
    for (const hash of await listOrphans(app.db, all.slice(at, at + hashesAtOnce))) {
      await app.blobs.removeStale(hash, before);
    }
    await setImmediate();
  }
}
