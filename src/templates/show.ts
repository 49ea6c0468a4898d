import type { App } from "../app.ts";
import type { Merge } from "../mail/merge.ts";
import { type Bodies, mergeBodies } from "../mail/merged-bodies.ts";

/** From about here on, to fill in HTML and to make text of it takes longer than other requests should wait. */
const bigHtml = 100_000;

/** Bodies as their recipient sees them, made in another thread where that takes long. */
export async function showMerged(
  app: App,
  bodies: Bodies,
  merge: Merge | null,
  hasMadeText = false,
): Promise<Bodies> {
  return (bodies.html?.length ?? 0) < bigHtml
    ? mergeBodies(bodies, merge, hasMadeText)
    : app.threads.mergeBodies(bodies, merge, hasMadeText);
}
