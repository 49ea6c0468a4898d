// Started before anything is installed, so this file and what it imports need nothing but Bun.
import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installChromium, installPackages, runs } from "./packages.ts";
import { type PhaseResult, phase, root } from "./phase.ts";

const folder = await mkdtemp(join(tmpdir(), "mailit-check-"));
try {
  process.exitCode = (await check()) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Goes through every phase it can, so that one run shows all there is to mend; true when all of them passed. */
async function check(): Promise<boolean> {
  const install = await phase("install", ["install", "--frozen-lockfile"]);
  if (!install.passed) return false;

  const format = await phase("format", ["run", "--bun", "biome", "check", "--error-on-warnings", "."]);
  const types = await phase("types", ["run", "--bun", "tsc", "--noEmit", "-p", "."]);
  await findOtherDkim();
  const tests = await testPhase("tests", [
    "--path-ignore-patterns=test/e2e/**",
    "--path-ignore-patterns=test/browser/**",
    ...["./src", "./views", "./test"],
  ]);
  const build = await phase("build", [".ci/build.ts"]);
  const stories = build.passed ? await storyPhase("stories", ["./test/e2e"]) : undefined;
  // Told once more where it fails: on a busy machine a browser may be slower than a story waits.
  const visits = { MAILIT_TEST_VISITS: join(folder, "visits") };
  const pages =
    build.passed && (await hasChromium())
      ? await storyPhase("pages", ["--parallel=2", "--retry=1", "./test/browser"], visits)
      : undefined;
  const seen = pages && (await testPhase("visits", ["./.ci/visits.test.ts"], visits));

  const counts = [tests, stories, pages, seen].filter((each) => each !== undefined);
  console.log(`${sum(counts, "succeeded")} passed, ${sum(counts, "failed")} failed`);
  return [format, types, tests, build, stories, pages, seen].every((result) => result?.passed === true);
}

/** Pages are looked at in a real browser; where there is none and none can be installed, the check has failed. */
async function hasChromium(): Promise<boolean> {
  if (await installChromium()) return true;
  console.log("no Chromium for the tests of pages: install it with `apt-get install chromium`");
  return false;
}

/** Our signatures are shown to python3-dkim as well, where the machine has it or lets us install it. */
async function findOtherDkim(): Promise<void> {
  const isThere = () =>
    ["python3", "/usr/bin/python3"].some((python) => runs(python, "-c", "import dkim, nacl"));
  if (isThere() || (installPackages("python3-dkim", "python3-nacl") && isThere())) return;
  console.log("no python3-dkim and python3-nacl: one test less, signatures are verified by mailauth alone");
}

/** The stories meet the executable as a user does: alone in a folder, with no node_modules above it to lean on. */
async function storyPhase(
  name: string,
  places: string[],
  env: Record<string, string> = {},
): Promise<TestResult> {
  const executable = join(folder, "mailit");
  await copyFile(join(root, "dist/mailit"), executable);
  await chmod(executable, 0o755);
  return testPhase(name, ["--no-orphans", ...places], { ...env, MAILIT_TEST_EXECUTABLE: executable });
}

type TestResult = PhaseResult & { succeeded: number; failed: number };

async function testPhase(
  name: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<TestResult> {
  const report = join(folder, `${name}.xml`);
  // A busy machine must not turn a slow test into a failed one; one that hangs still ends.
  const flags = ["--only-failures", "--timeout=30000", "--reporter=junit", `--reporter-outfile=${report}`];
  const result = await phase(name, ["test", ...flags, ...args], env);
  const totals = (await Bun.file(report).exists())
    ? /<testsuites [^>]*>/.exec(await Bun.file(report).text())
    : null;
  const total = (attribute: string) =>
    Number(new RegExp(` ${attribute}="(\\d+)"`).exec(totals?.[0] ?? "")?.[1] ?? 0);

  // A file that doesn't even load is in no report, yet the run has failed.
  const failed = Math.max(total("failures"), result.passed ? 0 : 1);
  return { ...result, failed, succeeded: total("tests") - total("failures") - total("skipped") };
}

function sum(results: TestResult[], field: "succeeded" | "failed"): number {
  return results.reduce((total, result) => total + result[field], 0);
}
