/** Keeps the bytes of big messages that are in memory at once within bounds. */
import type { App } from "../app.ts";

/** Smaller ones are made ahead of their turn; dispatcher and sites bound how many there are. */
export const bigBytes = 256 * 1024;
const maxBytesAtOnce = 64 * 1024 * 1024;

export class ByteBudget {
  #free: number;
  readonly #total: number;
  readonly #waiting: { bytes: number; start(): void }[] = [];

  constructor(total = maxBytesAtOnce) {
    this.#total = total;
    this.#free = total;
  }

  /** Waits in line for `bytes`; what is larger than everything gets everything. Returns what gives them back. */
  async take(bytes: number): Promise<() => void> {
    const wanted = Math.min(bytes, this.#total);
    if (this.#waiting.length > 0 || wanted > this.#free) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes: wanted, start: resolve }));
    } else {
      this.#free -= wanted;
    }
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#free += wanted;
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

const budgets = new WeakMap<App, ByteBudget>();

export function byteBudget(app: App): ByteBudget {
  let budget = budgets.get(app);
  if (!budget) {
    budget = new ByteBudget();
    budgets.set(app, budget);
  }
  return budget;
}
