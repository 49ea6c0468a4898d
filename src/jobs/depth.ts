/** How much waits, for whoever watches from outside: bounded, so that a long queue is not made longer by counting it. */
import type { App } from "../app.ts";
import { pauses } from "./schema.ts";

export interface Depth {
  kind: string;
  /** Of the jobs nobody has taken on, no further than `countedJobs` in the kind's own line and in all others. */
  due: number;
  later: number;
  /** Since when the longest waiting lane is due; undefined when nothing is. */
  oldestDueAt?: Date;
  isPaused: boolean;
}

/** Past this a longer queue reads the same. */
export const countedJobs = 10_000;

// A kind's lanes are its own name and, behind a slash, those of its destinations; "0" is what comes after a slash.
const depthOfKind = `
  select
    (select min(next_at) from lanes where kind = ?1),
    count(*), coalesce(sum(run_at <= ?2), 0)
  from (
    select * from (select run_at from jobs where node is null and lane = ?1 limit ?3)
    union all select * from (
      select run_at from jobs where node is null and lane > ?1 || '/' and lane < ?1 || '0' limit ?3))`;

export async function listDepths(app: App, kinds: string[]): Promise<Depth[]> {
  const now = app.now();
  const paused = new Set(
    (await app.db.select({ kind: pauses.kind }).from(pauses).all()).map(({ kind }) => kind),
  );
  return Promise.all(
    kinds.map(async (kind) => {
      const params = [kind, now.getTime(), countedJobs];
      const { rows } = await app.transport.query(depthOfKind.trim(), params, "values");
      const [[nextAt, all, due]] = rows as [[number | null, number, number]];
      const isDue = nextAt !== null && nextAt <= now.getTime();
      return {
        kind,
        due,
        later: all - due,
        isPaused: paused.has(kind),
        ...(isDue && { oldestDueAt: new Date(nextAt) }),
      };
    }),
  );
}

/** Jobs that any node holds; there are never more than nodes have permits. */
export async function countLeases(app: App): Promise<number> {
  const text = "select count(*) from jobs where node >= ''";
  const { rows } = await app.transport.query(text, [], "values");
  const [[count]] = rows as [[number]];
  return count;
}
