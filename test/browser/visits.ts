/** What the stories have asked of the admin and been given, so that a page or an act without a story is found. */
import { afterAll } from "bun:test";
import { join } from "node:path";
import type { BrowserContext, Request } from "playwright-core";

const folder = process.env.MAILIT_TEST_VISITS;
const visits = new Set<string>();

/** Notes what a browser is given, where `check` has said in which folder; a file it is to keep is never answered to a page. */
export function noteVisits(context: BrowserContext, url: string): void {
  if (folder === undefined) return;
  const note = (request: Request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === url && pathname.startsWith("/admin")) visits.add(`${request.method()} ${pathname}`);
  };
  context.on("response", (response) => {
    if (response.status() < 400) note(response.request());
  });
  context.on("page", (page) =>
    page.on("download", (download) => visits.add(`GET ${new URL(download.url()).pathname}`)),
  );
}

if (folder !== undefined) {
  afterAll(async () => {
    await Bun.write(join(folder, `${crypto.randomUUID()}.json`), JSON.stringify([...visits]));
  });
}
