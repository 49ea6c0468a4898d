import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { insertJob, insertJobs, notBefore, touchLane, touchLanes } from "./store.ts";

/** A kind of work: its name in the table, the shape of its payload, and how many may run at once on one node. */
export interface JobKind<P> {
  name: string;
  payload: TSchema;
  /** Over all lanes. */
  permits: number;
  permitsPerLane: number;
  /** Carries the payload's type; never set. */
  readonly _payload?: P;
}

/** Declares a kind of work. The room that asks for it declares it; the room that does it handles it. */
export function defineJob<S extends TSchema>(
  name: string,
  payload: S,
  { permits = 64, permitsPerLane = 5 }: { permits?: number; permitsPerLane?: number } = {},
): JobKind<Static<S>> {
  if (name.includes("/"))
    throw new Error(`a kind's name can't have a slash, which ends it in lanes: ${name}`);
  return { name, payload, permits, permitsPerLane };
}

export interface JobOptions {
  /** The job's id, where it is the same thing as a row it works on; otherwise a new one. */
  id?: string;
  /** What it waits in line for, such as a destination; one line for the whole kind when absent. */
  lane?: string;
  /** When it becomes due; at once when absent. */
  runAt?: Date;
}

/** The writes that put one job into the queue; they belong in the batch of whatever the job is about (D5). */
export function enqueue<P>(app: App, kind: JobKind<P>, payload: P, options: JobOptions = {}): Write[] {
  return enqueueAll(app, kind, [{ payload, ...options }]);
}

export interface JobWish<P> extends JobOptions {
  payload: P;
}

/** The same for many: each lane is touched once. */
export function enqueueAll<P>(app: App, kind: JobKind<P>, jobs: JobWish<P>[]): Write[] {
  const now = app.now();
  const dueByLane = new Map<string, Date>();
  const inserts = jobs.map(({ id = newId(), payload, runAt = now, lane: waitsFor }) => {
    const lane = laneOf(kind, waitsFor);
    const due = dueByLane.get(lane);
    if (!due || runAt < due) dueByLane.set(lane, runAt);
    const insert = insertJob({ id, kind: kind.name, lane, payload, runAt, createdAt: now });
    return { ...insert, dueAt: runAt };
  });
  return [...inserts, ...[...dueByLane].map(([lane, due]) => touchLane(lane, notBefore(due, now)))];
}

/** The same for thousands at once: two statements, however many lanes there are. */
export function enqueueMany<P>(
  app: App,
  kind: JobKind<P>,
  jobs: (JobWish<P> & Required<Pick<JobWish<P>, "id" | "runAt">>)[],
): Write[] {
  if (jobs.length === 0) return [];
  const now = app.now();
  const dueByLane = new Map<string, Date>();
  const rows = jobs.map(({ id, payload, runAt, lane: waitsFor }) => {
    const lane = laneOf(kind, waitsFor);
    const due = dueByLane.get(lane);
    if (!due || runAt < due) dueByLane.set(lane, notBefore(runAt, now));
    return { id, lane, payload, runAt };
  });
  const dueAt = new Date(Math.min(...rows.map(({ runAt }) => runAt.getTime())));
  return [{ ...insertJobs(kind.name, now, rows), dueAt }, touchLanes(kind.name, dueByLane)];
}

/** The name of a lane in the table; without `lane` the one line of the whole kind. */
export function laneOf(kind: Pick<JobKind<never>, "name">, lane: string | undefined): string {
  return lane ? `${kind.name}/${lane}` : kind.name;
}

/** A lane's name as handlers see it: without its kind, "" for the kind's own line. */
export function withoutKind(lane: string): string {
  const slash = lane.indexOf("/");
  return slash === -1 ? "" : lane.slice(slash + 1);
}

/** One hold on one job, as its handler sees it. */
export interface Held {
  id: string;
  /** This attempt's number, from 1. */
  attempt: number;
  createdAt: Date;
  /** The lane it waited in, without the kind; "" for the kind's own line. */
  lane: string;
  /**
   * Aborted when the program is stopping and can wait no longer, and when this hold's lease has ended: another node may
   * do the work by then. What was done by that time is still to be returned; it is written if nobody else has the job.
   */
  signal: AbortSignal;
}

/** How a hold on a job ends: with these writes, in one batch, the job is removed or put back until `at`. */
export type Ending =
  | { kind: "done"; writes: Write[] }
  | { kind: "again"; at: Date; why: string; writes: Write[]; lane?: string };

/** The job has reached its terminal state; `writes` say so in the same batch that removes it. */
export const done = (writes: Write[] = []): Ending => ({ kind: "done", writes });

/** The job waits until `at` for another attempt; in another lane of its kind, where `lane` names one. */
export const again = (
  at: Date,
  why: string,
  writes: Write[] = [],
  { lane }: { lane?: string } = {},
): Ending => ({ kind: "again", at, why, writes, lane });

/** How much of a lane may be under way at once on this node, or until when nothing may. */
export type LaneAllowance = { jobs: number } | { until: Date; by: string };

export interface HandlerOptions {
  /**
   * Asked before jobs of a lane (named without its kind) are taken on, and often: it is to be quick. Whoever changes its
   * answer for the better says so by `app.jobsDue.notify(app.now())`.
   */
  allowance?(app: App, lane: string): LaneAllowance;
}

export interface JobHandler extends HandlerOptions {
  kind: JobKind<unknown>;
  run(app: App, payload: unknown, held: Held): Promise<Ending>;
}

/**
 * Ties the work to its kind. The handler may run twice for one job (the process can die before its ending is on disk)
 * and must not mind; what it returns is written only while this hold is still the job's newest.
 */
export function handle<P>(
  kind: JobKind<P>,
  run: (app: App, payload: P, held: Held) => Promise<Ending>,
  { allowance }: HandlerOptions = {},
): JobHandler {
  return {
    kind,
    allowance,
    async run(app, payload, held) {
      return run(app, Value.Parse(kind.payload, payload) as P, held);
    },
  };
}
