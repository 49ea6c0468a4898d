/**
 * An email's events reach an endpoint in their order as long as nothing goes wrong: the next is called once the call
 * before it has ended. One that failed does not hold up those after it until its retry, which may be hours away: what
 * is newer is worth more than the order, and receivers order by `created_at` anyway. Jobs of a lane are taken on in the
 * order of their events; between nodes that share a lane nothing is promised.
 */
import type { App } from "../app.ts";

const known = new WeakMap<App, Map<string, Promise<void>>>();

/** Does the work after all that was given before it under the same key. */
export async function inTurn<T>(app: App, key: string, work: () => Promise<T>): Promise<T> {
  const turns = known.get(app) ?? new Map<string, Promise<void>>();
  known.set(app, turns);
  const before = turns.get(key);
  const { promise, resolve } = Promise.withResolvers<void>();
  turns.set(key, promise);
  try {
    await before;
    return await work();
  } finally {
    resolve();
    if (turns.get(key) === promise) turns.delete(key);
  }
}
