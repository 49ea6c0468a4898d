import { onTestFinished } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AddCommand, makeProgram, run } from "../../src/cli/run.ts";

export interface CommandAnswer {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandLine {
  /** The data folder the commands work on. */
  data: string;
  /** Runs one command line in this process; `--config` and `--data` are added. */
  call(...args: string[]): Promise<CommandAnswer>;
}

/** The command line on a data folder of its own, removed after the test. Nothing of the checkout's configuration counts. */
export async function commandLine(...commands: AddCommand[]): Promise<CommandLine> {
  const folder = await mkdtemp(join(tmpdir(), "mailit-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const data = join(folder, "data");
  const config = join(folder, "mailit.config.ts");
  await Bun.write(config, `export default { smtpOutbound: { hostname: "mail.example.net" } };`);
  return {
    data,
    async call(...args) {
      const answer = { code: 0, stdout: "", stderr: "" };
      const program = makeProgram(commands, {
        writeOut: (text) => {
          answer.stdout += text;
        },
        writeErr: (text) => {
          answer.stderr += text;
        },
      });
      answer.code = await run(program, [...args, "--config", config, "--data", data]);
      return answer;
    },
  };
}
