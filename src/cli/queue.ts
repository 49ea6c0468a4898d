import type { Command } from "commander";
import type { App } from "../app.ts";
import {
  bounceQueue,
  cancelQueue,
  countQueue,
  pauseQueue,
  type QueueResult,
  resumeQueue,
  retryQueue,
} from "../delivery/queue.ts";
import type { QueueFilter, WaitingState } from "../delivery/queue-filter.ts";
import {
  findSendingPause,
  listQueueLanes,
  pauseQueueLane,
  pauseSending,
  resumeQueueLane,
  resumeSending,
} from "../delivery/queue-switches.ts";
import { Refusal } from "../errors.ts";
import { type PlaceOptions, withApp, withPlaceOptions } from "./open.ts";
import {
  type ActOptions,
  deliveries,
  describeCount,
  type FilterOptions,
  mustAgree,
  readActFilter,
  readFilter,
  withActOptions,
  withFilterOptions,
} from "./queue-options.ts";
import { print } from "./run.ts";
import { harmless, table } from "./table.ts";

const guide = `
Deliveries that wait are queued (their turn comes), deferred (tried, and tried again later), scheduled (their
client's time has not come) or held (by you).

Stop everything, now and for what comes:  mailit queue pause --sending --reason "…"
Send again:                               mailit queue resume --sending
See what waits, and where:                mailit queue status; mailit queue lanes
Stop one destination, with what comes:    mailit queue pause --lane NAME --future
Hold what waits now, and let it go:       mailit queue pause --tag newsletter; mailit queue resume --tag newsletter
Do not wait for the next try:             mailit queue retry --domain example.com
Get rid of it, and tell the senders:      mailit queue bounce --domain example.com --older-than 1d --reason "…"
Get rid of it, as never asked for:        mailit queue cancel --tag newsletter

Whatever changes deliveries shows how many, and asks, before it does. What is being attempted at that moment is left
alone. A running server notices within a few seconds. Every command works on all teams unless --team names one.`;

export const queueCommand = (program: Command): void => {
  const queue = program.command("queue").description("see, stop and clear what waits to be delivered");
  queue.addHelpText("after", guide);
  const subcommand = (name: string, description: string) => queue.command(name).description(description);

  withPlaceOptions(subcommand("status", "say whether anything is sent, and how much waits")).action(status);
  withPlaceOptions(subcommand("lanes", "list lanes in which something waits or that are blocked"))
    .option("--after <lane>", "begin behind this lane")
    .action(lanes);
  withFilterOptions(subcommand("count", "count the deliveries that wait …")).action(count);
  withSwitches(subcommand("pause", "hold deliveries that wait …, or stop a lane or all sending"))
    .option("--reason <reason>", "why, for whoever looks at it later")
    .action(pause);
  withSwitches(subcommand("resume", "let held deliveries go on …, or open a lane or all sending")).action(
    resume,
  );
  withActOptions(subcommand("retry", "try deliveries now that wait for their next try …")).action(
    acting("Try", "now", "Made due:", retryQueue),
  );
  withActOptions(subcommand("bounce", "end deliveries as bounced …; no address is suppressed"))
    .option("--reason <reason>", "why, for the senders")
    .action(acting("Bounce", "", "Bounced", bounceQueue));
  withActOptions(subcommand("cancel", "end deliveries as if nobody had asked for them …"))
    .option("--reason <reason>", "why, for whoever looks at it later")
    .action(acting("Cancel", "", "Canceled", cancelQueue));
};

interface SwitchOptions extends ActOptions {
  sending?: boolean;
  future?: boolean;
}

function withSwitches(command: Command): Command {
  return withActOptions(command)
    .option("--sending", "all sending of the server, with what comes later; alone")
    .option("--future", "the lane itself, with what comes later; only with --lane");
}

async function status(options: PlaceOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const paused = await findSendingPause(app);
    const { queued, deferred, scheduled, held, busy } = await countQueue(app, {});
    print(
      command,
      [
        paused
          ? `All sending is paused since ${paused.createdAt.toISOString()}: ${harmless(paused.reason)}`
          : "Sending is on.",
        "",
        table(
          ["WAITING", "DELIVERIES"],
          Object.entries({ queued, deferred, scheduled, held }).map(([state, n]) => [state, String(n)]),
        ),
        "",
        `${deliveries(busy)} being attempted at this moment.`,
      ].join("\n"),
    );
  });
}

const lanesAtOnce = 200;

async function lanes(
  { after, ...place }: PlaceOptions & { after?: string },
  command: Command,
): Promise<void> {
  await withApp(place, async (app) => {
    const found = await listQueueLanes(app, { after, limit: lanesAtOnce });
    const shown = found.slice(0, lanesAtOnce);
    const rows = shown.map(({ lane, nextAt, blockedUntil, blockedBy, isPaused }) => [
      lane,
      nextAt?.toISOString() ?? "never",
      isPaused ? "paused" : (blockedUntil?.toISOString() ?? "no"),
      blockedBy ?? "",
    ]);
    print(command, table(["LANE", "NEXT", "BLOCKED UNTIL", "BY"], rows));
    if (found.length > lanesAtOnce) {
      print(command, `\nThere are more: mailit queue lanes --after ${harmless(shown.at(-1)!.lane)}`);
    }
  });
}

async function count(options: FilterOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    print(command, describeCount(await countQueue(app, await readFilter(app, options))));
  });
}

async function pause(options: SwitchOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    const { reason } = options;
    switch (whatIsSwitched(options)) {
      case "sending":
        await pauseSending(app, reason);
        return print(command, "All sending is paused, also after a restart. Emails are still accepted.");
      case "lane":
        await pauseQueueLane(app, options.lane!, reason);
        return print(
          command,
          `The lane ${harmless(options.lane!)} is paused, with what comes into it later.`,
        );
      case "deliveries":
        return act(app, options, command, {
          verb: "Hold",
          how: "until resumed",
          done: "Held",
          perform: pauseQueue,
        });
    }
  });
}

async function resume(options: SwitchOptions, command: Command): Promise<void> {
  await withApp(options, async (app) => {
    switch (whatIsSwitched(options)) {
      case "sending":
        await resumeSending(app);
        return print(command, "Sending is on; a running server notices within a few seconds.");
      case "lane":
        await resumeQueueLane(app, options.lane!);
        return print(command, `The lane ${harmless(options.lane!)} is open.`);
      case "deliveries":
        return act(app, options, command, {
          verb: "Let go",
          how: "",
          done: "Resumed",
          state: "held",
          perform: resumeQueue,
        });
    }
  });
}

/** Switches take no other options: `--sending --tag x` would look as if it stopped only x. */
function whatIsSwitched(options: SwitchOptions): "sending" | "lane" | "deliveries" {
  const { sending, future, lane, domain, state, tag, olderThan, newerThan, team, all } = options;
  if (!sending && !future) return "deliveries";
  const others = [domain, state, tag, olderThan, newerThan, team, all, sending ? lane : undefined];
  if (others.some((value) => value !== undefined) || (sending && future)) {
    throw new Refusal("invalid_parameter", "--sending stands alone, and --future with --lane alone.");
  }
  if (future && lane === undefined) {
    throw new Refusal("missing_required_field", "Say which lane: --lane NAME --future.");
  }
  return sending ? "sending" : "lane";
}

interface Words {
  /** What it is about where nobody says otherwise. */
  state?: WaitingState;
  verb: string;
  how: string;
  done: string;
  perform(app: App, filter: QueueFilter, reason?: string): Promise<QueueResult>;
}

function acting(verb: string, how: string, done: string, perform: Words["perform"]) {
  return (options: ActOptions, command: Command) =>
    withApp(options, (app) => act(app, options, command, { verb, how, done, perform }));
}

async function act(app: App, options: ActOptions, command: Command, words: Words): Promise<void> {
  const wanted = await readActFilter(app, options);
  const filter = { ...wanted, state: wanted.state ?? words.state };
  const counted = await countQueue(app, filter);
  print(command, describeCount(counted));
  if (counted.count === 0) return;
  await mustAgree(options, [words.verb, "them", words.how].join(" ").trim().concat("?"));
  const { changed, busy } = await words.perform(app, filter, options.reason);
  const left = busy > 0 ? ` ${deliveries(busy)} left alone: being attempted, or changed by others.` : "";
  print(command, `${words.done} ${deliveries(changed)}.${left}`);
}
