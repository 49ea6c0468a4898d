/** What the stories have asked of the admin and been given, so that a page or an act without a story is found. */
import { afterAll } from "bun:test";
import { join } from "node:path";
import type { BrowserContext } from "playwright-core";

const folder = process.env.MAILIT_TEST_VISITS;
const visits = new Set<string>();

/** Notes what a browser is given, where `check` has said in which folder. */
export function noteVisits(context: BrowserContext, url: string): void {
  if (folder === undefined) return;
  context.on("response", (response) => {
    const { origin, pathname } = new URL(response.url());
    if (origin !== url || !pathname.startsWith("/admin") || response.status() >= 400) return;
    visits.add(`${response.request().method()} ${pathname}`);
  });
}

if (folder !== undefined) {
  afterAll(async () => {
    await Bun.write(join(folder, `${crypto.randomUUID()}.json`), JSON.stringify([...visits]));
  });
}
