import { type Deadlines, type Phase, phaseWords } from "./progress.ts";

/**
 * Holds a host to its deadlines with one timer, which is not reset at every step: it is left running, and looks where
 * the deadline has moved to when it goes off.
 */
export class Watch {
  private timer: Timer | undefined;
  private timerAt = 0;
  private phase: Phase | undefined;
  private phaseEndsAt = 0;
  private attemptEndsAt = 0;

  constructor(
    private readonly deadlines: Deadlines,
    private readonly onLate: (reason: string) => void,
  ) {}

  /** The whole counts from here, a time by `performance.now()`. */
  begin(startedAt: number): void {
    this.attemptEndsAt = startedAt + this.deadlines.attemptMs;
  }

  enter(phase: Phase): void {
    const now = performance.now();
    this.phase = phase;
    this.phaseEndsAt = now + this.deadlines[phaseWords[phase].deadline];
    const dueAt = Math.min(this.phaseEndsAt, this.attemptEndsAt);
    if (this.timer === undefined || this.timerAt > dueAt) this.arm(dueAt, now);
  }

  /** Nothing is waited for. The timer stays: it finds nothing to do, or the next message under way. */
  rest(): void {
    this.phase = undefined;
  }

  stop(): void {
    this.phase = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private arm(dueAt: number, now: number): void {
    clearTimeout(this.timer);
    this.timerAt = dueAt;
    this.timer = setTimeout(this.look, Math.max(1, Math.ceil(dueAt - now)));
  }

  private readonly look = () => {
    this.timer = undefined;
    if (this.phase === undefined) return;
    const now = performance.now();
    const { deadline, awaited } = phaseWords[this.phase];
    if (now >= this.attemptEndsAt) this.onLate(`not finished within ${seconds(this.deadlines.attemptMs)}`);
    else if (now >= this.phaseEndsAt) this.onLate(`${awaited} within ${seconds(this.deadlines[deadline])}`);
    else this.arm(Math.min(this.phaseEndsAt, this.attemptEndsAt), now);
  };
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
