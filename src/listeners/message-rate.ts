import { sourceOf } from "../client-address.ts";

const windowMs = 60_000;

/**
 * How many messages each address has begun in the minute that runs. All counts end together with their minute: the memory
 * holds no more addresses than come in one.
 */
export class MessageRate {
  #endsAt = 0;
  #counts = new Map<string, number>();

  constructor(readonly mostPerMinute: number) {}

  /** Whether an address may begin another. */
  take(address: string, now: Date): boolean {
    const at = now.getTime();
    // A clock that was set back must not keep an old minute alive.
    if (at >= this.#endsAt || at < this.#endsAt - windowMs) {
      this.#endsAt = at + windowMs;
      this.#counts = new Map();
    }
    const source = sourceOf(address);
    const count = (this.#counts.get(source) ?? 0) + 1;
    this.#counts.set(source, count);
    return count <= this.mostPerMinute;
  }
}
