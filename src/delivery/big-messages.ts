/** Keeps the bytes of big messages that are in memory at once within bounds. */
import type { App } from "../app.ts";
import { ByteBudget } from "../byte-budget.ts";

/** Smaller ones are made ahead of their turn; dispatcher and sites bound how many there are. */
export const bigBytes = 256 * 1024;
const maxBytesAtOnce = 64 * 1024 * 1024;

const budgets = new WeakMap<App, ByteBudget>();

export function byteBudget(app: App): ByteBudget {
  let budget = budgets.get(app);
  if (!budget) {
    budget = new ByteBudget(maxBytesAtOnce);
    budgets.set(app, budget);
  }
  return budget;
}
