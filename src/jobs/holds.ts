import type { Lease } from "./store.ts";

/** One job that this node works on. Times are monotonic: a clock set back must not make a lease last longer. */
export interface Hold {
  /** The newest: the job may have been freed elsewhere and claimed again meanwhile. */
  lease: Lease;
  /** The lane it was claimed from. */
  readonly lane: string;
  readonly startedAt: number;
  leaseEndsAt: number;
  readonly abort: AbortController;
}

/**
 * The jobs this node works on, and the watch over their leases: who could not extend a lease, for whatever reason, is
 * told by its signal when it ends. What such a job has done already can still be written, if nobody else has it.
 */
export class Holds {
  readonly #byId = new Map<string, Hold>();
  readonly #leaseMs: number;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  get size(): number {
    return this.#byId.size;
  }

  get ids(): string[] {
    return [...this.#byId.keys()];
  }

  get(id: string): Hold | undefined {
    return this.#byId.get(id);
  }

  /** Begins a hold on a job claimed at `claimedAt`; undefined when its work is under way, which goes on under this lease. */
  take(lease: Lease, claimedAt: number): Hold | undefined {
    const leaseEndsAt = claimedAt + this.#leaseMs;
    const known = this.#byId.get(lease.id);
    if (known) {
      known.lease = lease;
      known.leaseEndsAt = leaseEndsAt;
      return undefined;
    }
    const abort = new AbortController();
    const hold = { lease, lane: lease.lane, startedAt: claimedAt, leaseEndsAt, abort };
    this.#byId.set(lease.id, hold);
    this.#keepWatch();
    return hold;
  }

  drop(hold: Hold): void {
    this.#byId.delete(hold.lease.id);
  }

  /** After an attempt, begun at `askedAt`, to extend the leases of `asked`, of which `extended` were still this node's. */
  extended(asked: string[], extended: Set<string>, askedAt: number): void {
    for (const id of asked) {
      const hold = this.#byId.get(id);
      if (hold) hold.leaseEndsAt = extended.has(id) ? askedAt + this.#leaseMs : askedAt;
    }
    this.#abortEnded();
  }

  abortAll(): void {
    clearTimeout(this.#watch);
    for (const { abort } of this.#byId.values()) abort.abort();
  }

  #abortEnded(): void {
    const now = performance.now();
    for (const { leaseEndsAt, abort } of this.#byId.values()) {
      if (leaseEndsAt <= now) abort.abort(new Error("the lease of this job has ended"));
    }
  }

  /** One timer for all: leases are as long as each other, so none ends before the one it was set for. */
  #keepWatch(): void {
    if (this.#watch !== undefined) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { leaseEndsAt, abort } of this.#byId.values()) {
      if (!abort.signal.aborted) next = Math.min(next, leaseEndsAt);
    }
    if (next === Number.POSITIVE_INFINITY) return;
    this.#watch = setTimeout(
      () => {
        this.#watch = undefined;
        this.#abortEnded();
        this.#keepWatch();
      },
      Math.max(0, Math.ceil(next - performance.now())),
    );
    // The watch alone is no reason for the program to go on.
    this.#watch.unref();
  }
}
