import { Command, CommanderError, type OutputConfiguration } from "commander";
import { ConfigFault, Refusal, StorageUnavailable } from "../errors.ts";
import { version } from "./version.ts";

/** Adds one command to the program; each file of cli/ exports one. */
export type AddCommand = (program: Command) => void;

/** The program with its commands. They write through `output`: the standard streams, or in tests a string. */
export function makeProgram(commands: AddCommand[], output: OutputConfiguration = {}): Command {
  // What is set before a command is added is inherited by it.
  const program = new Command("mailit")
    .description("A self-hosted email platform in one executable")
    .configureOutput(output)
    .exitOverride()
    .version(version, "-V, --version", "print the version")
    .helpCommand(false);
  for (const add of commands) add(program);
  return program;
}

/** Runs one command line and gives its exit code. What an operator can act on is said in a sentence, without a stack. */
export async function run(program: Command, args: string[]): Promise<number> {
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode; // commander has said why
    program.configureOutput().writeErr?.(`${explain(error)}\n`);
    return 1;
  }
}

function explain(error: unknown): string {
  if (error instanceof Refusal || error instanceof ConfigFault || error instanceof StorageUnavailable) {
    return error.message;
  }
  return `MailIt failed in a way it should not have:\n${error instanceof Error ? error.stack : String(error)}`;
}

/** What a command answers, on standard output. */
export function print(command: Command, text: string): void {
  command.configureOutput().writeOut?.(`${text}\n`);
}
