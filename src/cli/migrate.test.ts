import { expect, test } from "bun:test";
import { mkdir, readdir } from "node:fs/promises";
import { commandLine } from "../../test/support/command-line.ts";
import { lockDataFolder } from "../db/lock.ts";
import { keyCommand } from "./key.ts";
import { migrateCommand } from "./migrate.ts";

test("migrate applies what is missing, shows it, and takes it back with a copy kept", async () => {
  const { call, data } = await commandLine(migrateCommand, keyCommand);
  expect((await call("migrate", "--status")).stdout).toMatch(/^1 +not applied +init$/m);
  await expect(readdir(data)).rejects.toThrow(); // to look made nothing

  expect((await call("migrate", "--up")).stdout).toStartWith("Applied 1 (init).\n");
  expect((await call("migrate", "--up")).stdout).toBe("There was nothing to do.\n");
  expect((await call("migrate", "--status")).stdout).toMatch(/^1 +20\d\d-.*Z +init$/m);

  expect((await call("migrate", "--down", "--steps", "100")).stdout).toEndWith("Took back 1 (init).\n");
  expect((await call("migrate", "--status")).stdout).toMatch(/^1 +not applied +init$/m);
  expect((await readdir(data)).filter((name) => name.includes(".before-down-"))).toHaveLength(1);
});

test("migrate changes nothing under a running server", async () => {
  const { call, data } = await commandLine(migrateCommand);
  await mkdir(data, { recursive: true });
  const lock = lockDataFolder(data);
  try {
    for (const direction of ["--up", "--down"]) {
      expect(await call("migrate", direction)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^Another MailIt is already serving .*\n$/),
      });
    }
    expect((await call("migrate", "--status")).code).toBe(0);
  } finally {
    lock.release();
  }
});

test.each([
  ["no direction", [], "Say one of --up, --down and --status.\n"],
  ["two directions", ["--up", "--down"], "Say one of --up, --down and --status.\n"],
  ["a number of steps that is none", ["--down", "--steps", "0"], /steps <n>.*at least 1/],
])("migrate with %s is refused", async (_, args, sentence) => {
  const { call } = await commandLine(migrateCommand);
  const { code, stderr } = await call("migrate", ...args);
  expect(code).toBe(1);
  expect(stderr).toMatch(sentence);
});
