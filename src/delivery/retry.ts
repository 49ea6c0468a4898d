export interface RetryPlan {
  /** In milliseconds; the last one repeats. */
  retryDelays: readonly number[];
  /** In milliseconds, from the first attempt. */
  giveUpAfter: number;
}

/**
 * When to try again after an attempt that was deferred, or undefined when it is time to give up. Delays vary by 20 %,
 * so that what failed together does not come back together; the last attempt is made when the time is up.
 */
export function nextAttempt(
  { retryDelays, giveUpAfter }: RetryPlan,
  attempt: { number: number; firstAt: Date; now: Date },
  random: number,
): Date | undefined {
  const giveUpAt = attempt.firstAt.getTime() + giveUpAfter;
  const now = attempt.now.getTime();
  if (now >= giveUpAt) return undefined;
  const delay = retryDelays[Math.min(attempt.number, retryDelays.length) - 1] ?? 0;
  return new Date(Math.min(now + Math.round(delay * (0.8 + 0.4 * random)), giveUpAt));
}
