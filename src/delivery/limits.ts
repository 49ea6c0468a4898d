/** Limits that learn: how many connections a site is given, and when the next message may go to it. */

const firstLimit = 5;
const calmMs = 60_000;

/**
 * How many connections a site may have. It grows by one for every round of successes and halves when the site asks for
 * less (additive increase, multiplicative decrease), so that it finds what the site likes and keeps near it.
 */
export class ConnectionLimit {
  readonly #most: number;
  #limit: number;
  #successes = 0;
  #calmUntil = 0;

  constructor(most: number) {
    this.#most = Math.max(1, most);
    this.#limit = Math.min(firstLimit, this.#most);
  }

  get limit(): number {
    return this.#limit;
  }

  /** A message was taken while every connection was in use: the limit was what held the next one up. */
  succeeded(now: Date): void {
    if (this.#limit >= this.#most || now.getTime() < this.#calmUntil) return;
    this.#successes += 1;
    if (this.#successes < this.#limit) return;
    this.#successes = 0;
    this.#limit += 1;
  }

  /** The site asked for less, or turned a connection away. `open` connections it does bear, so no fewer than half. */
  slowDown(now: Date, open: number): void {
    // Connections that are refused together are one refusal: it must not halve the limit once for each of them.
    if (now.getTime() < this.#calmUntil && open >= this.#limit) return;
    this.#limit = Math.max(1, Math.min(Math.floor(this.#limit / 2), Math.max(1, open)));
    this.#successes = 0;
    this.#calmUntil = now.getTime() + calmMs;
  }
}

/** How many messages may go before the rate begins to hold them apart. */
const burstMs = 5_000;

/**
 * A token bucket that keeps one number, the time at which the next token is there (the generic cell rate algorithm of
 * ATM, I.371): a lane that has none is blocked until then, and nobody looks at it before.
 */
export class MessageRate {
  readonly messages: number;
  readonly perMs: number;
  #emptyAt = 0;
  #slowUntil = 0;

  constructor({ messages, perMs }: { messages: number; perMs: number }) {
    this.messages = messages;
    this.perMs = perMs;
  }

  /** When the next message may go; in the past or now when it may go at once. */
  nextAt(now: Date): Date {
    return new Date(Math.max(now.getTime(), this.#emptyAt - this.#tolerance(now)));
  }

  /** Takes a token, if there is one. */
  take(now: Date): boolean {
    if (this.nextAt(now) > now) return false;
    this.#emptyAt = Math.max(this.#emptyAt, now.getTime()) + this.#interval(now);
    return true;
  }

  /** The site asked for less: half the rate, for a while. */
  slowDown(now: Date): void {
    this.#slowUntil = now.getTime() + calmMs;
  }

  #interval(now: Date): number {
    const interval = this.perMs / this.messages;
    return now.getTime() < this.#slowUntil ? interval * 2 : interval;
  }

  #tolerance(now: Date): number {
    return Math.max(0, Math.min(burstMs, this.perMs) - this.#interval(now));
  }
}
