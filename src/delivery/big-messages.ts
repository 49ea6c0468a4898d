import { ByteBudget } from "../byte-budget.ts";
import { perApp } from "../per-app.ts";

/** Smaller ones are made ahead of their turn; dispatcher and sites bound how many there are. */
export const bigBytes = 256 * 1024;
const maxBytesAtOnce = 64 * 1024 * 1024;

export const byteBudget = perApp((): ByteBudget => new ByteBudget(maxBytesAtOnce));
