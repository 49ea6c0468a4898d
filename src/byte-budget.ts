type GiveBack = (kept?: number) => void;

/** Keeps the bytes that are in memory at once for one purpose within bounds; whoever wants some waits in line. */
export class ByteBudget {
  #free: number;
  readonly #waiting: { bytes: number; start(): void }[] = [];

  constructor(readonly total: number) {
    this.#free = total;
  }

  /**
   * Waits in line for `bytes`; what is larger than everything gets everything. Returns what gives them back, all or
   * all but those still `kept`; what is given back is not taken again.
   */
  async take(bytes: number): Promise<GiveBack> {
    const wanted = Math.min(bytes, this.total);
    if (!this.#takeNow(wanted)) await this.#inLine(wanted);
    return this.#giveBack(wanted);
  }

  /** As `take`, and undefined once it is too late to wait. */
  async takeUnlessLate(bytes: number, late: AbortSignal): Promise<GiveBack | undefined> {
    if (late.aborted) return undefined;
    const wanted = Math.min(bytes, this.total);
    const isTaken = this.#takeNow(wanted) || (await this.#inLine(wanted, late));
    return isTaken ? this.#giveBack(wanted) : undefined;
  }

  #takeNow(bytes: number): boolean {
    if (this.#waiting.length > 0 || bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  /** Whether the bytes were had; not so only when it is too late. */
  #inLine(bytes: number, late?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const onLate = () => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        this.#startNext(); // those behind may want less
        resolve(false);
      };
      const turn = {
        bytes,
        start() {
          late?.removeEventListener("abort", onLate);
          resolve(true);
        },
      };
      late?.addEventListener("abort", onLate, { once: true });
      this.#waiting.push(turn);
    });
  }

  #giveBack(taken: number): GiveBack {
    let held = taken;
    return (kept = 0) => {
      if (kept >= held) return;
      this.#free += held - kept;
      held = kept;
      this.#startNext();
    };
  }

  #startNext(): void {
    for (let [next] = this.#waiting; next && next.bytes <= this.#free; [next] = this.#waiting) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.start();
    }
  }
}
