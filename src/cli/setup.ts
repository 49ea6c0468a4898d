import { intro, log, text } from "@clack/prompts";
import type { Command } from "commander";
import { type Account, createFirstAccount, logIn, type NewAccount } from "../accounts/service.ts";
import { hasUsers } from "../accounts/store.ts";
import type { App } from "../app.ts";
import type { Config } from "../config/schema.ts";
import type { DnsRecord } from "../dns/domain-records.ts";
import { createDomain } from "../domains/create.ts";
import { readDomainName } from "../domains/name.ts";
import { isLookedAt, recordsOf } from "../domains/records.ts";
import type { Domain } from "../domains/schema.ts";
import { listDomains } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { createKey, hasFullKey } from "../keys/service.ts";
import { parseAddress } from "../mail/address.ts";
import { type PlaceOptions, withApp, withPlaceOptions } from "./open.ts";
import { answered, askPassword, isInteractive, passwordFromStdin } from "./password.ts";
import { print } from "./run.ts";
import { harmless, table } from "./table.ts";
import { nameOf } from "./user.ts";

interface SetupOptions extends PlaceOptions {
  email?: string;
  password?: string;
  passwordStdin?: boolean;
  name?: string;
  team?: string;
  domain?: string;
  json?: boolean;
}

interface Answers extends NewAccount {
  domain: string;
}

interface Outcome extends Account {
  domain: Domain;
  records: DnsRecord[];
  /** The new key's token; absent where the team has a key already, whose token nobody knows any more. */
  token: string | undefined;
}

export const setupCommand = (program: Command): void => {
  withPlaceOptions(program.command("setup"))
    .description("make the first account, its team, a sending domain and an API key")
    .option("--email <email>", "the account's email address")
    .option("--password <password>", "its password; others on this machine can see it here")
    .option("--password-stdin", "read the password from standard input")
    .option("--name <name>", "the person's name (default: what is before the @)")
    .option("--team <name>", "the team's name (default: Default Team)")
    .option("--domain <domain>", "the first domain to send from")
    .option("--json", "print { api_key, user, team, domain } and ask nothing")
    .action(async (options: SetupOptions, command: Command) => {
      await withApp(options, async (app) => {
        const outcome = await setUp(app, await readAnswers(app, options));
        print(command, options.json ? JSON.stringify(toJson(outcome)) : report(outcome, app.config));
      });
    });
};

/**
 * Makes what is not there yet. After a run that broke off, or for one more domain, it goes on for whoever knows the
 * account's password, and for nobody else.
 */
async function setUp(app: App, answers: Answers): Promise<Outcome> {
  const name = readDomainName(answers.domain); // refused before anything is made
  const account = (await hasUsers(app.db))
    ? await logInAgain(app, answers)
    : await createFirstAccount(app, answers);
  const teamId = account.team.id;
  const known = (await listDomains(app, teamId, { limit: undefined })).find((domain) => domain.name === name);
  const domain = known ?? (await createDomain(app, teamId, { name }));
  // What is merely offered is left out: an MX record for a domain's own name would take its mail from where it is now.
  const records = (await recordsOf(app, domain)).filter(isLookedAt);
  // Last, so that no token is made that is never shown.
  const key = (await hasFullKey(app, teamId)) ? undefined : await createKey(app, teamId, { name: "Setup" });
  return { ...account, domain, records, token: key?.token };
}

async function logInAgain(app: App, { email, password }: Answers): Promise<Account> {
  return logIn(app, { email, password, address: "local" }).catch((error: unknown) => {
    if (!(error instanceof Refusal && error.code === "invalid_credentials")) throw error;
    throw new Refusal(
      "already_exists",
      "MailIt is already set up here, with another account or password; to change accounts use `mailit user`.",
    );
  });
}

async function readAnswers(app: App, options: SetupOptions): Promise<Answers> {
  const mayAsk = isInteractive() && !options.json;
  const isAnswered = options.email && (options.password ?? options.passwordStdin) && options.domain;
  if (mayAsk && !isAnswered) {
    intro("MailIt setup");
    if (await hasUsers(app.db))
      log.info("There is an account already: give its address and password to go on.");
  }
  const ask = async (flag: string, question: Question): Promise<string> => {
    if (!mayAsk) throw missing(`--${flag}`);
    return askText(question);
  };
  const email = options.email ?? (await ask("email", questions.email));
  const password = await choosePassword(options, mayAsk);
  const team = options.team ?? (mayAsk ? await askText(questions.team) : questions.team.placeholder);
  const domain = options.domain ?? (await ask("domain", questions.domain));
  return { email, password, domain, name: options.name ?? nameOf(email), team };
}

interface Question {
  message: string;
  placeholder: string;
  /** Taken when nothing is typed. */
  isDefault?: boolean;
  /** Throws a Refusal that says what is wrong. */
  check(typed: string): unknown;
}

const questions = {
  email: {
    message: "Your email address",
    placeholder: "ada@example.com",
    check(typed: string) {
      if (!parseAddress(typed)) throw new Refusal("validation_error", "That is not an email address.");
    },
  },
  team: { message: "Your team's name", placeholder: "Default Team", isDefault: true, check: () => undefined },
  domain: { message: "The first domain to send from", placeholder: "example.com", check: readDomainName },
} satisfies Record<string, Question>;

/** Asks until the answer is one: a mistake in the third answer must not cost the first two. */
async function askText({ message, placeholder, isDefault, check }: Question): Promise<string> {
  const whyNot = (typed = "") => {
    if (typed.trim() === "") return isDefault ? undefined : "Required.";
    try {
      check(typed.trim());
    } catch (error) {
      if (error instanceof Refusal) return error.message;
      throw error;
    }
    return undefined;
  };
  const defaultValue = isDefault ? placeholder : undefined;
  return answered(await text({ message, placeholder, defaultValue, validate: whyNot })).trim();
}

async function choosePassword(options: SetupOptions, mayAsk: boolean): Promise<string> {
  if (options.password !== undefined) return options.password;
  if (options.passwordStdin) return passwordFromStdin();
  if (!mayAsk) throw missing("--password-stdin or --password");
  return askPassword();
}

function missing(flags: string): Refusal {
  return new Refusal("missing_required_field", `Give ${flags}: there is no terminal to ask at.`);
}

function toJson({ user, team, domain, records, token }: Outcome) {
  return {
    api_key: token ?? null,
    user: { id: user.id, email: user.email, name: user.name },
    team: { id: team.id, name: team.name },
    domain: {
      id: domain.id,
      name: domain.name,
      records: records.map(({ type, host, value, priority }) => ({ type, name: host, value, priority })),
    },
  };
}

function report({ user, team, domain, records, token }: Outcome, { smtpOutbound, server }: Config): string {
  const { hostname } = smtpOutbound;
  const rows = records.map(({ type, host, value, priority }) => [
    type,
    host,
    priority?.toString() ?? "",
    value,
  ]);
  return [
    `Account  ${user.email}`,
    `Team     ${harmless(team.name)}`,
    `Domain   ${domain.name}`,
    "",
    "Publish these records:",
    "",
    table(["TYPE", "NAME", "PRIORITY", "VALUE"], rows),
    "",
    // A machine's own name is the default and seldom one that others can look up.
    ...(hostname.includes(".")
      ? []
      : [
          `This server's name is ${hostname}, which nobody else can find: set smtpOutbound.hostname first.`,
          "",
        ]),
    "Then, with MailIt running (mailit serve), have them looked at:",
    "",
    `  curl -X POST ${server.publicUrl}/domains/${domain.id}/verify -H "Authorization: Bearer YOUR_API_KEY"`,
    "",
    ...(token === undefined
      ? ["The team has an API key already; make another with: mailit key create --name NAME"]
      : [`API key  ${token}`, "It is shown only now."]),
  ].join("\n");
}
