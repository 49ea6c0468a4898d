/** What the program does behind what comes in, done at once: of what has just been filled it would have for half an hour. */
import { loadConfig } from "../src/config/load.ts";
import { indexEmails, wordsWrittenTo } from "../src/emails/search-index.ts";
import { sumCounters } from "../src/metrics/sums.ts";
import { openApp } from "../src/open-app.ts";

/** Writes the words of all emails, and sums up their counters: how many seconds the words took. The program must not be running. */
export async function settle(folder: string): Promise<number> {
  const env = { MAILIT_LOGGING_LEVEL: "warn" };
  const config = await loadConfig({ env, cwd: folder, dataDir: "data", sandbox: true, isRoot: false });
  const app = await openApp(config);
  const startedAt = performance.now();
  for (let before = ""; ; ) {
    await indexEmails(app);
    const now = await wordsWrittenTo(app.db);
    if (now === before) break;
    before = now;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await sumCounters(app);
  await app.close();
  return seconds;
}
