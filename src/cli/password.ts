import { type CANCEL_SYMBOL, cancel, isCancel, password as promptPassword } from "@clack/prompts";
import { CommanderError } from "commander";
import { longestPassword, requireUsablePassword, shortestPassword } from "../accounts/password.ts";
import { Refusal } from "../errors.ts";

/** Whether there is a person to ask. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** A new password: from standard input if so asked, else from whoever sits at the terminal. Never from the arguments. */
export async function readPassword(fromStdin: boolean | undefined): Promise<string> {
  if (fromStdin) return passwordFromStdin();
  if (!isInteractive()) {
    throw new Refusal(
      "missing_required_field",
      "Give the password on standard input, with --password-stdin.",
    );
  }
  return askPassword();
}

export async function passwordFromStdin(): Promise<string> {
  // One line break at the end is the shell's, not the password's.
  return (await Bun.stdin.text()).replace(/\r?\n$/, "");
}

/** Asks twice, since nobody sees what they type. */
export async function askPassword(): Promise<string> {
  const first = answered(await promptPassword({ message: "Password", validate: whyUnusable }));
  const isSame = (again: string | undefined) => (again === first ? undefined : "That is another password.");
  answered(await promptPassword({ message: "The same password again", validate: isSame }));
  return first;
}

/** The answer to a prompt; ends the command when there is none, because somebody pressed Ctrl-C or Escape. */
export function answered<T>(answer: T | typeof CANCEL_SYMBOL): T {
  if (!isCancel(answer)) return answer;
  cancel("Canceled; nothing was changed.");
  throw new CommanderError(130, "mailit.canceled", "Canceled");
}

function whyUnusable(password: string | undefined): string | undefined {
  try {
    requireUsablePassword(password ?? "");
    return undefined;
  } catch {
    return `A password has ${shortestPassword} to ${longestPassword} characters.`;
  }
}
