const keptMs = 2_000;
const maxKept = 10_000;

/** An App, for all that matters here. */
interface Clocked {
  now(): Date;
}

interface Kept<V> {
  value: Promise<V>;
  until: number;
}

/**
 * What was read a moment ago, per App: every email asks for its domain and its keys. Two seconds bound how long a
 * change on another node stays unseen; a change on this one clears it.
 */
export class ShortMemory<V> {
  readonly #byApp = new WeakMap<Clocked, Map<string, Kept<V>>>();

  recall(app: Clocked, key: string, read: () => Promise<V>): Promise<V> {
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

  forget(app: Clocked): void {
    // A new map, not an emptied one: a read that began before the change must not come back into it.
    this.#byApp.delete(app);
  }

  #of(app: Clocked): Map<string, Kept<V>> {
    let kept = this.#byApp.get(app);
    if (!kept) {
      kept = new Map();
      this.#byApp.set(app, kept);
    }
    return kept;
  }
}
