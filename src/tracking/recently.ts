/** Remembers keys for a while, and no more of them than it has room for. */
export class Recently {
  readonly #forMs: number;
  readonly #perGeneration: number;
  // Two generations, the older one forgotten whole: taking the oldest out of a Map one by one slows it down.
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(forMs: number, room: number) {
    this.#forMs = forMs;
    this.#perGeneration = room / 2;
  }

  has(key: string, now: Date): boolean {
    return now.getTime() < (this.#young.get(key) ?? this.#old.get(key) ?? 0);
  }

  add(key: string, now: Date): void {
    this.#young.set(key, now.getTime() + this.#forMs);
    if (this.#young.size < this.#perGeneration) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
