/** Searching a million emails: how long the server takes for an answer of 50, and what writing their words costs. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { startMailit } from "../test/e2e/mailit.ts";
import { startBench } from "./account.ts";
import { fill } from "./fill.ts";
import { getRequest, load } from "./load.ts";
import { type Figure, report } from "./report.ts";
import { settle } from "./settle.ts";

const emails = Number(process.env.BENCH_EMAILS ?? 1_000_000);
const { folder, key, mailit } = await startBench();
await mailit.stop();
const path = join(folder, "data/mailit.db");
fill(path, emails);

const sizeBefore = statSync(path).size;
const env = { MAILIT_LOGGING_LEVEL: "warn" };
const seconds = await settle(folder);
const figures: Figure[] = [
  { what: "words written", value: emails / seconds, unit: "emails/s" },
  {
    what: "  the database grows by",
    value: (statSync(path).size - sizeBefore) / emails,
    unit: "bytes an email",
  },
];

const running = await startMailit({ folder, env: { ...env, MAILIT_RATE_LIMIT_ENABLED: "false" } });
const port = Number(new URL(running.url).port);
const asked: [string, string][] = [
  ["one address", "q=user4321@domain321.test"],
  ["what an address begins with", "q=user43"],
  ["a word that all have", "q=message"],
  ["a word that nobody has", "q=absent"],
  ["two words that never meet", "q=domain1+domain2"],
  ["what every address begins with", "q=user"],
  ["what every address begins with, and a word that nobody has", "q=user+absent"],
  ["a number in the subject", "q=subject:777777"],
  ["a status that most have", "status=delivered"],
  ["a status that nobody has", "status=complained"],
  ["a status that nobody has, and no index", "status=sent"],
  ["a status that nobody has, and a word that all have", "status=bounced&q=message"],
  ["a day three weeks ago", `created_after=${daysAgo(21)}&created_before=${daysAgo(20)}`],
  ["a word on that day", `q=user43&created_after=${daysAgo(21)}&created_before=${daysAgo(20)}`],
];
for (const [what, query] of asked) {
  const run = (count: number) =>
    load({
      port,
      connections: 1,
      requests: count,
      request: () => getRequest(`/emails?limit=50&${query}`, key),
    });
  await run(5);
  const { p99Ms, p50Ms, failures } = await run(300);
  if (failures > 0) throw new Error(`${failures} of ${what} were refused`);
  figures.push({
    what,
    value: p99Ms,
    unit: "ms p99",
    budget: { atMost: 30 },
    note: `p50 ${p50Ms.toFixed(1)} ms`,
  });
}
await running.stop();
report(figures);

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}
