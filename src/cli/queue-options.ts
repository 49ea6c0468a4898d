import { confirm } from "@clack/prompts";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { App } from "../app.ts";
import { parseDuration } from "../config/units.ts";
import {
  isEverything,
  type QueueFilter,
  type WaitingState,
  waitingStates,
} from "../delivery/queue-filter.ts";
import type { QueueCount } from "../delivery/queue-walk.ts";
import { Refusal } from "../errors.ts";
import { asciiDomain } from "../mail/address.ts";
import { type PlaceOptions, withPlaceOptions } from "./open.ts";
import { answered, isInteractive } from "./password.ts";
import { pickTeam } from "./team.ts";

export interface FilterOptions extends PlaceOptions {
  lane?: string;
  domain?: string;
  state?: WaitingState;
  tag?: string;
  olderThan?: number;
  newerThan?: number;
  team?: string;
}

export interface ActOptions extends FilterOptions {
  all?: boolean;
  yes?: boolean;
  reason?: string;
}

export function withFilterOptions(command: Command): Command {
  return withPlaceOptions(command)
    .option("--lane <lane>", "that wait in this lane (see: mailit queue lanes)")
    .option("--domain <domain>", "to recipients of this domain", readDomain)
    .addOption(new Option("--state <state>", "in this state").choices(waitingStates))
    .option("--tag <tag>", "whose email has this tag: name or name:value")
    .option("--older-than <time>", "accepted longer ago than this: 90s, 30m, 2h, 3d", readAge)
    .option("--newer-than <time>", "accepted within this time: 90s, 30m, 2h, 3d", readAge)
    .option("--team <team>", "of this team, by id or name (default: all teams)");
}

export function withActOptions(command: Command): Command {
  return withFilterOptions(command)
    .option("--all", "all that wait; needed where no other option says which")
    .option("--yes", "do it without asking; needed where there is no terminal");
}

export async function readFilter(app: App, options: FilterOptions): Promise<QueueFilter> {
  const { lane, domain, state, tag, olderThan, newerThan, team } = options;
  return {
    ...{ lane, domain, state, tag },
    olderThanMs: olderThan,
    newerThanMs: newerThan,
    teamId: team === undefined ? undefined : (await pickTeam(app, team)).id,
  };
}

/** The filter of what changes something: to mean everything is to say so. */
export async function readActFilter(app: App, options: ActOptions): Promise<QueueFilter> {
  const filter = await readFilter(app, options);
  if (isEverything(filter) && !options.all) {
    throw new Refusal(
      "missing_required_field",
      "Say which deliveries: --lane, --domain, --state, --tag, --older-than, --newer-than, or --all.",
    );
  }
  return filter;
}

export function describeCount(count: QueueCount): string {
  const { queued, deferred, scheduled, held, busy } = count;
  const states = `${queued} queued, ${deferred} deferred, ${scheduled} scheduled, ${held} held`;
  const underWay = busy > 0 ? `; ${busy} of them are being attempted now and are left alone` : "";
  return `${deliveries(count.count)} ${count.count === 1 ? "matches" : "match"}: ${states}${underWay}.`;
}

export const deliveries = (count: number): string => (count === 1 ? "1 delivery" : `${count} deliveries`);

/** Goes on only when somebody has said so, at the terminal or by `--yes`. */
export async function mustAgree(options: ActOptions, question: string): Promise<void> {
  if (options.yes) return;
  if (!isInteractive()) {
    throw new Refusal(
      "missing_required_field",
      "Nothing was changed: add --yes to do it without being asked.",
    );
  }
  const isAgreed = answered(await confirm({ message: question, initialValue: false }));
  if (!isAgreed) throw new Refusal("not_permitted", "Nothing was changed.");
}

function readAge(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("Write a time such as 90s, 30m, 2h or 3d.");
  return ms;
}

function readDomain(text: string): string {
  const domain = asciiDomain(text.trim());
  if (domain === undefined) throw new InvalidArgumentError("Write a domain such as example.com.");
  return domain;
}
