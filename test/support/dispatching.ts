import { Type as t } from "@sinclair/typebox";
import { atomically } from "../../src/app.ts";
import { type Dispatcher, type DispatcherOptions, startDispatcher } from "../../src/jobs/dispatcher.ts";
import {
  defineJob,
  done,
  enqueue,
  type HandlerOptions,
  handle,
  type JobHandler,
} from "../../src/jobs/job.ts";
import { jobs } from "../../src/jobs/schema.ts";
import type { TestApp } from "./test-app.ts";

/** A kind of work whose jobs have a name and do nothing else. */
export const work = defineJob("work", t.Object({ name: t.String() }), { permitsPerLane: 2 });

export const add = (app: TestApp, name: string, options: Parameters<typeof enqueue>[3] = {}) =>
  atomically(app, enqueue(app, work, { name }, options));

export const jobsLeft = (app: TestApp) => app.db.select().from(jobs).all();

/** A dispatcher that stops at the end of its scope, without waiting for handlers that never end. */
export async function dispatch(
  app: TestApp,
  handlers: JobHandler[],
  options: Partial<DispatcherOptions> = {},
): Promise<Dispatcher & AsyncDisposable> {
  const dispatcher = await startDispatcher(app, handlers, { node: "a", graceMs: 1, ...options });
  return { ...dispatcher, [Symbol.asyncDispose]: () => dispatcher.stop() };
}

/** A handler that notes the names it was given, in their order. */
export function noting(seen: string[], options?: HandlerOptions, kind = work): JobHandler {
  return handle(
    kind,
    async (_app, { name }) => {
      seen.push(name);
      return done();
    },
    options,
  );
}

/** A handler that notes what it was given and holds every job until it is told to go on. */
export function gate(kind = work, options?: HandlerOptions) {
  const started: string[] = [];
  const waiting: (() => void)[] = [];
  let most = 0;
  let now = 0;
  return {
    started,
    most: () => most,
    open: () => {
      for (const go of waiting.splice(0)) go();
    },
    handler: handle(
      kind,
      async (_app, { name }) => {
        started.push(name);
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => waiting.push(resolve));
        now--;
        return done();
      },
      options,
    ),
    until: (count: number) => waitFor(() => started.length >= count),
  };
}

/** Waits for what only other turns of the event loop can bring about. */
export async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
