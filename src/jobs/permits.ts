import type { App } from "../app.ts";
import type { Hold } from "./holds.ts";
import { type JobHandler, withoutKind } from "./job.ts";

/** Lanes kept in mind that may take nothing although nothing of them is under way; past this they wait a second. */
const maxExhausted = 256;

/** How long a lane that has little room waits for more of it. */
const refillMs = 50;

export interface SlowWork {
  /** A job that has been running for longer no longer holds up the others of its kind. */
  slowAfterMs: number;
  /** How many such jobs a kind may have; those beyond count like any other. */
  slowPermits: number;
}

/** What this node may take on of one kind of work, over all lanes and of each. */
export class Permits {
  readonly handler: JobHandler;
  readonly #app: App;
  readonly #slowWork: SlowWork;
  /** Oldest first, so that those that have become slow are found at the front. */
  readonly #quick = new Set<Hold>();
  readonly #slow = new Set<Hold>();
  readonly #perLane = new Map<string, { jobs: number; lastAt: number }>();
  readonly #exhausted = new Set<string>();
  #refillInMs = Number.POSITIVE_INFINITY;

  constructor(app: App, handler: JobHandler, slowWork: SlowWork) {
    this.#app = app;
    this.handler = handler;
    this.#slowWork = slowWork;
  }

  get kind(): string {
    return this.handler.kind.name;
  }

  begin(hold: Hold): void {
    this.#quick.add(hold);
    this.#perLane.set(hold.lane, { jobs: this.#underWay(hold.lane) + 1, lastAt: hold.startedAt });
  }

  end(hold: Hold): void {
    if (!this.#quick.delete(hold)) this.#slow.delete(hold);
    const lane = this.#perLane.get(hold.lane)!;
    lane.jobs -= 1;
    if (lane.jobs === 0) this.#perLane.delete(hold.lane);
  }

  /** How many more jobs of the kind may begin. */
  free(): number {
    const slowSince = performance.now() - this.#slowWork.slowAfterMs;
    for (const hold of this.#quick) {
      if (hold.startedAt > slowSince) break;
      this.#quick.delete(hold);
      this.#slow.add(hold);
    }
    const slowBeyond = Math.max(0, this.#slow.size - this.#slowWork.slowPermits);
    return Math.max(0, this.handler.kind.permits - this.#quick.size - slowBeyond);
  }

  /** How long until a permit may come free without any job's end, when there is none now. */
  freeInMs(): number {
    const isFull = this.free() === 0;
    const [oldest] = this.#quick;
    if (!isFull || !oldest || this.#slow.size >= this.#slowWork.slowPermits) return Number.POSITIVE_INFINITY;
    return Math.ceil(oldest.startedAt + this.#slowWork.slowAfterMs - performance.now());
  }

  /**
   * How many more jobs of a lane may begin, or what blocks it. A lane that moves is refilled some at a time: claimed one
   * by one, jobs cost five times as much. One that hardly moves is refilled after a moment all the same.
   */
  roomIn(lane: string, now: Date): number | { until: Date; by: string } {
    const allowance = this.handler.allowance?.(this.#app, withoutKind(lane));
    if (allowance && "until" in allowance && allowance.until > now) return allowance;
    const jobs = allowance && "jobs" in allowance ? allowance.jobs : this.handler.kind.permitsPerLane;
    const known = this.#perLane.get(lane);
    if (!known) return jobs;
    const room = jobs - known.jobs;
    if (room <= 0 || room >= jobs / 4) return room;
    const waitMs = known.lastAt + refillMs - performance.now();
    if (waitMs <= 0) return room;
    this.#refillInMs = Math.min(this.#refillInMs, waitMs);
    return 0;
  }

  /** How long until a lane is refilled that was found with too little room to be worth it since this was last asked. */
  refillInMs(): number {
    const ms = this.#refillInMs;
    this.#refillInMs = Number.POSITIVE_INFINITY;
    return ms;
  }

  /** Keeps a lane out of the next rounds until there is room in it; false when too many are kept out already. */
  keepOut(lane: string): boolean {
    if (this.#perLane.has(lane)) return true; // `fullLanes` counts it anyway
    if (this.#exhausted.size >= maxExhausted) return false;
    this.#exhausted.add(lane);
    return true;
  }

  /** Lanes with as much under way as they may have; asked anew each round, since allowances grow and shrink. */
  fullLanes(now: Date): string[] {
    const isFull = (lane: string) => {
      const room = this.roomIn(lane, now);
      return typeof room === "number" && room <= 0;
    };
    for (const lane of this.#exhausted) if (!isFull(lane)) this.#exhausted.delete(lane);
    const full = new Set(this.#exhausted);
    for (const lane of this.#perLane.keys()) if (isFull(lane)) full.add(lane);
    return [...full];
  }

  #underWay(lane: string): number {
    return this.#perLane.get(lane)?.jobs ?? 0;
  }
}
