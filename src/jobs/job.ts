import type { Static, TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { App } from "../app.ts";
import type { Write } from "../db/write.ts";
import { newId } from "../ids.ts";
import { insertJob, touchLane } from "./store.ts";

/** A kind of work: its name in the table, the shape of its payload, and how many of one lane may run at once. */
export interface JobKind<P> {
  name: string;
  payload: TSchema;
  permitsPerLane: number;
  /** Carries the payload's type; never set. */
  readonly _payload?: P;
}

/** Declares a kind of work. The room that asks for it declares it; the room that does it handles it. */
export function defineJob<S extends TSchema>(
  name: string,
  payload: S,
  options: { permitsPerLane?: number } = {},
): JobKind<Static<S>> {
  return { name, payload, permitsPerLane: options.permitsPerLane ?? 5 };
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
  const now = app.now();
  const runAt = options.runAt ?? now;
  const lane = laneOf(kind, options.lane);
  const insert = insertJob({
    id: options.id ?? newId(),
    kind: kind.name,
    lane,
    payload,
    runAt,
    createdAt: now,
  });
  return [{ ...insert, dueAt: runAt }, touchLane(lane, runAt)];
}

/** The name of a lane in the table. */
export function laneOf(kind: JobKind<never> | JobKind<unknown>, lane: string | undefined): string {
  return lane === undefined ? kind.name : `${kind.name}/${lane}`;
}

/** One hold on one job, as its handler sees it. */
export interface Held {
  id: string;
  /** This attempt's number, from 1. */
  attempt: number;
  createdAt: Date;
  /** Aborted when the program is stopping and can wait no longer. */
  signal: AbortSignal;
}

/** How a hold on a job ends: with these writes, in one batch, the job is removed or put back until `at`. */
export type Ending =
  | { kind: "done"; writes: Write[] }
  | { kind: "again"; at: Date; why: string; writes: Write[] };

/** The job has reached its terminal state; `writes` say so in the same batch that removes it. */
export const done = (writes: Write[] = []): Ending => ({ kind: "done", writes });

/** The job waits until `at` for another attempt. */
export const again = (at: Date, why: string, writes: Write[] = []): Ending => ({
  kind: "again",
  at,
  why,
  writes,
});

export interface JobHandler {
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
): JobHandler {
  return {
    kind,
    async run(app, payload, held) {
      return run(app, Value.Parse(kind.payload, payload) as P, held);
    },
  };
}
