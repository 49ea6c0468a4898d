import { type Command, Option } from "commander";
import type { Membership } from "../accounts/schema.ts";
import { addUser, disableUser, enableUser, listUsers, setPassword } from "../accounts/service.ts";
import { roles } from "../roles.ts";
import { type PlaceOptions, withApp, withPlaceOptions } from "./open.ts";
import { readPassword } from "./password.ts";
import { print } from "./run.ts";
import { table } from "./table.ts";
import { pickTeam } from "./team.ts";

interface PasswordOptions extends PlaceOptions {
  passwordStdin?: boolean;
}

interface AddOptions extends PasswordOptions {
  name?: string;
  role: Membership["role"];
  team?: string;
}

export const userCommand = (program: Command): void => {
  const user = program.command("user").description("add, list and lock out people who may log in");
  const subcommand = (usage: string, description: string) =>
    withPlaceOptions(user.command(usage).description(description));
  const passwordStdin = ["--password-stdin", "read the password from standard input"] as const;

  subcommand("add <email>", "add a person to a team")
    .option("--name <name>", "their name (default: what is before the @)")
    .addOption(new Option("--role <role>", "what they may do").choices(roles).default("developer"))
    .option("--team <team>", "the team's id or name, where there are several")
    .option(...passwordStdin)
    .action(add);
  subcommand("list", "list everybody, by team").action(list);
  subcommand("password <email>", "change a password and end their sessions")
    .option(...passwordStdin)
    .action(changePassword);
  subcommand("disable <email>", "lock a person out").option("--undo", "let them in again").action(disable);
};

async function add(email: string, options: AddOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const team = await pickTeam(app, options.team);
    const password = await readPassword(options.passwordStdin);
    const name = options.name ?? nameOf(email);
    const user = await addUser(app, { email, password, name, teamId: team.id, role: options.role });
    print(command, `Added ${user.email} to ${team.name} as ${options.role}.`);
  });
}

async function list(options: PlaceOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const rows = (await listUsers(app)).map((user) => [
      user.email,
      user.team ?? "none",
      user.role ?? "none",
      user.disabledAt ? "disabled" : "active",
      user.createdAt.toISOString(),
      user.name,
    ]);
    print(command, table(["EMAIL", "TEAM", "ROLE", "STATE", "CREATED", "NAME"], rows));
  });
}

async function changePassword(email: string, options: PasswordOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const user = await setPassword(app, email, await readPassword(options.passwordStdin));
    print(command, `Changed the password of ${user.email}; their sessions have ended.`);
  });
}

async function disable(
  email: string,
  options: PlaceOptions & { undo?: boolean },
  command: Command,
): Promise<void> {
  await withApp(options, async (app) => {
    const user = await (options.undo ? enableUser : disableUser)(app, email);
    print(command, options.undo ? `${user.email} may log in again.` : `${user.email} can't log in any more.`);
  });
}

/** What a person is called until they say otherwise: what is before the @. */
export function nameOf(email: string): string {
  return email.split("@")[0]!.slice(0, 100);
}
