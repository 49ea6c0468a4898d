const everyMs = 1_000;
/** Where a server of 1 GB begins to miss it. */
const muchBytes = 340_000_000;
const growthBytes = 24_000_000;

/**
 * Has what is garbage collected once memory is much and grows. Under load the runtime makes small collections only and
 * lets its heap double before it makes a large one. A large one takes some hundredths of a second, in which nothing else
 * happens: a quiet server never has any of these. Gives what ends it.
 */
export function startSweeping(): () => void {
  let lowest = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    const now = process.memoryUsage.rss();
    lowest = Math.min(lowest, now);
    if (now < muchBytes || now - lowest < growthBytes) return;
    Bun.gc(true);
    lowest = process.memoryUsage.rss();
  }, everyMs).unref();
  return () => clearInterval(timer);
}
