import { Type as t } from "@sinclair/typebox";
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { again, defineJob, handle, type JobHandler, laneOf } from "./job.ts";
import { insertJobOnce, touchLane } from "./store.ts";

/** Work that comes back for ever: one job per kind, which nodes share like any other. */
export interface Recurring {
  handler: JobHandler;
  /** The writes that put it into the queue unless it is there already; made at every start. */
  ensure(app: App): Write[];
}

/** Declares work that is done every `everyMs`, first at the program's first start. */
export function recurring(name: string, everyMs: number, run: (app: App) => Promise<void>): Recurring {
  const kind = defineJob(name, t.Object({}));
  return {
    handler: handle(kind, async (app) => {
      await run(app);
      return again(new Date(app.now().getTime() + everyMs), "it comes back");
    }),
    ensure(app) {
      const now = app.now();
      const lane = laneOf(kind, undefined);
      const job = { id: name, kind: name, lane, payload: {}, runAt: now, createdAt: now };
      return [{ ...insertJobOnce(job), dueAt: now }, touchLane(lane, now)];
    },
  };
}
