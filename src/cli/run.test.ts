import { expect, test } from "bun:test";
import type { Command } from "commander";
import { ConfigFault, Refusal, StorageUnavailable } from "../errors.ts";
import { makeProgram, run } from "./run.ts";
import { version, versionCommand } from "./version.ts";

/** Runs a program whose command `fail` throws this. */
async function call(args: string[], error?: unknown) {
  const answer = { code: 0, stdout: "", stderr: "" };
  const failCommand = (program: Command) => {
    program.command("fail").action(() => Promise.reject(error));
  };
  const program = makeProgram([versionCommand, failCommand], {
    writeOut: (text) => {
      answer.stdout += text;
    },
    writeErr: (text) => {
      answer.stderr += text;
    },
  });
  answer.code = await run(program, args);
  return answer;
}

test("the version is printed alone, however it is asked for", async () => {
  for (const args of [["version"], ["--version"], ["-V"]]) {
    expect(await call(args)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  }
});

test.each([
  ["a refusal", new Refusal("not_found", "There is no such key.")],
  ["a mistake in the configuration", new ConfigFault("server.httpAddr is no address.")],
  ["a full disk", new StorageUnavailable("The disk is full.", { cause: new Error("ENOSPC") })],
])("%s is said in one sentence, without a stack", async (_, error) => {
  expect(await call(["fail"], error)).toEqual({ code: 1, stdout: "", stderr: `${error.message}\n` });
});

test("a fault of ours is shown with its stack, for a report", async () => {
  const { code, stdout, stderr } = await call(["fail"], new TypeError("undefined is not a function"));
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/TypeError: undefined is not a function\n\s+at /);
});

test("a command that doesn't exist is refused with a near one, and help is no failure", async () => {
  expect(await call(["verison"])).toMatchObject({
    code: 1,
    stderr: "error: unknown command 'verison'\n(Did you mean version?)\n",
  });
  expect(await call(["--help"])).toMatchObject({ code: 0, stderr: "" });
});
