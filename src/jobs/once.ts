import { type App, atomically } from "../app.ts";
import type { Write } from "../db/write.ts";
import { WriteConflict } from "../errors.ts";

/**
 * Runs a batch that guards itself by `expectChange`; false when it was stale and nothing was written. Not left to the
 * ending of the job: there a stale batch is taken for the loss of the job's own hold.
 */
export async function once(app: App, writes: Write[]): Promise<boolean> {
  try {
    await atomically(app, writes);
    return true;
  } catch (error) {
    if (error instanceof WriteConflict && error.kind === "stale") return false;
    throw error;
  }
}
