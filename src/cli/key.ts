import { type Command, Option } from "commander";
import type { App } from "../app.ts";
import { readDomainName } from "../domains/name.ts";
import { listDomains } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { createKey, listTeamKeys, revokeKey } from "../keys/service.ts";
import { type PlaceOptions, withApp, withPlaceOptions } from "./open.ts";
import { print } from "./run.ts";
import { table } from "./table.ts";
import { pickTeam } from "./team.ts";

interface KeyOptions extends PlaceOptions {
  team?: string;
}

interface CreateOptions extends KeyOptions {
  name: string;
  permission?: string;
  domain?: string;
  json?: boolean;
}

export const keyCommand = (program: Command): void => {
  const key = program.command("key").description("make, list and revoke API keys");
  const subcommand = (usage: string, description: string) =>
    withPlaceOptions(key.command(usage).description(description)).option(
      "--team <team>",
      "the team's id or name, where there are several",
    );

  subcommand("create", "make a key and show its token, this once")
    .requiredOption("--name <name>", "what the key is for")
    .addOption(
      new Option("--permission <permission>", "what it may do").choices(["full_access", "sending_access"]),
    )
    .option("--domain <domain>", "the one domain it may send from; such a key may only send")
    .option("--json", "print { id, token }")
    .action(create);
  subcommand("list", "list the keys, newest first").action(list);
  subcommand("revoke <id>", "revoke a key").action(revoke);
};

async function create(options: CreateOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const team = await pickTeam(app, options.team);
    const { name, domain, json } = options;
    const domainId = domain === undefined ? undefined : await domainIdOf(app, team.id, domain);
    const permission = options.permission ?? (domainId ? "sending_access" : "full_access");
    const { id, token } = await createKey(app, team.id, { name, permission, domainId });
    print(
      command,
      json
        ? JSON.stringify({ id, token })
        : `${token}\n\nIt is shown only now. Revoke it with: mailit key revoke ${id}`,
    );
  });
}

async function list(options: KeyOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const team = await pickTeam(app, options.team);
    const everything = { limit: undefined };
    const domains = new Map((await listDomains(app, team.id, everything)).map(({ id, name }) => [id, name]));
    const rows = (await listTeamKeys(app, team.id, everything)).map((key) => [
      key.id,
      `${key.tokenStart}…`,
      key.permission,
      (key.domainId && domains.get(key.domainId)) ?? "any",
      key.createdAt.toISOString(),
      key.lastUsedAt?.toISOString() ?? "never",
      key.name,
    ]);
    print(command, table(["ID", "TOKEN", "PERMISSION", "DOMAIN", "CREATED", "LAST USED", "NAME"], rows));
  });
}

async function revoke(id: string, options: KeyOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const team = await pickTeam(app, options.team);
    await revokeKey(app, team.id, id);
    print(command, `Revoked ${id}; a running server refuses it within two seconds.`);
  });
}

async function domainIdOf(app: App, teamId: string, text: string): Promise<string> {
  const name = readDomainName(text);
  const domain = (await listDomains(app, teamId, { limit: undefined })).find((each) => each.name === name);
  if (!domain) throw new Refusal("not_found", `The team has no domain ${name}.`);
  return domain.id;
}
