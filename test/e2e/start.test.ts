import { expect, test } from "bun:test";
import manifest from "../../package.json" with { type: "json" };
import { runMailit, startMailit } from "./mailit.ts";

test("mailit version prints the version it was built as", async () => {
  const { code, stdout, stderr } = await runMailit(["version"]);

  expect(stdout).toContain(manifest.version);
  expect(stderr).toBe("");
  expect(code).toBe(0);
});

test("mailit --help names the commands", async () => {
  const { code, stdout } = await runMailit(["--help"]);

  for (const command of ["serve", "setup", "migrate", "key", "user", "version"]) {
    expect(stdout).toMatch(new RegExp(`^\\s+${command}\\b`, "m"));
  }
  expect(code).toBe(0);
});

test("a command that doesn't exist is refused in words, without a stack trace", async () => {
  const { code, stderr } = await runMailit(["sreve"]);

  expect(stderr).toContain("sreve");
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(code).not.toBe(0);
});

test("the sandbox starts in an empty folder, answers, and ends when it is asked to", async () => {
  await using mailit = await startMailit();
  expect((await fetch(`${mailit.url}/healthz`)).status).toBe(200);
  expect(await mailit.stop()).toBe(0);
});
