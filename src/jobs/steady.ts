/** The time by which old things are removed: a clock that is wrong for a while must not make all of them old. */
import type { App } from "../app.ts";
import { expectChange } from "../db/write.ts";
import { leastIdAt, timeOfId } from "../ids.ts";
import { once } from "./once.ts";
import { findWalk, moveWalk } from "./walks.ts";

/** Asked each minute it catches up with a day of standstill in less than half an hour. */
const mostMs = 3_600_000;

/** Follows the clock, as all nodes see it, by an hour each time it is asked, and is never ahead of it. */
export async function steadyNow(app: App, name: string): Promise<Date> {
  const now = app.now().getTime();
  const from = await findWalk(app.db, name);
  const last = from === "" ? now : timeOfId(from).getTime();
  const next = Math.min(Math.max(now, last - mostMs), last + mostMs);
  await once(app, [moveWalk(name, from, leastIdAt(new Date(next))), expectChange()]);
  return new Date(Math.min(now, next));
}
