import type { App } from "../app.ts";
import type { DkimKey } from "../mail/dkim.ts";
import type { Domain } from "./schema.ts";

const keptMs = 2_000;
const maxKept = 10_000;

interface Kept<V> {
  value: Promise<V>;
  until: number;
}

/**
 * What was read a moment ago, per App: every email asks for its domain and its keys. Two seconds bound how long a
 * change on another node stays unseen; a change on this one clears it.
 */
export class ShortMemory<V> {
  readonly #byApp = new WeakMap<App, Map<string, Kept<V>>>();

  recall(app: App, key: string, read: () => Promise<V>): Promise<V> {
    const kept = this.#of(app);
    const now = app.now().getTime();
    const known = kept.get(key);
    if (known && now < known.until) return known.value;

    const value = read();
    kept.delete(key); // so that it goes to the end of the line: the oldest is the one to make room
    kept.set(key, { value, until: now + keptMs });
    if (kept.size > maxKept) kept.delete(kept.keys().next().value!);
    // A read that failed is not an answer; whoever waits for it gets the fault.
    value.catch(() => kept.get(key)?.value === value && kept.delete(key));
    return value;
  }

  forget(app: App): void {
    // A new map, not an emptied one: a read that began before the change must not come back into it.
    this.#byApp.delete(app);
  }

  #of(app: App): Map<string, Kept<V>> {
    let kept = this.#byApp.get(app);
    if (!kept) {
      kept = new Map();
      this.#byApp.set(app, kept);
    }
    return kept;
  }
}

/** By name. Names that are no domain of ours are remembered as such. */
export const domainsByName = new ShortMemory<Domain | undefined>();

/** Opened keys, by domain id. */
export const keysByDomain = new ShortMemory<DkimKey[]>();

/** To be called after every commit that changes a domain or its keys. */
export function forgetDomains(app: App): void {
  domainsByName.forget(app);
  keysByDomain.forget(app);
}
