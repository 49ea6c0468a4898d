import { Elysia } from "elysia";
import { h } from "preact";
import { LanesTable, QueuePage, SelectionPage, SendingSwitch } from "../../views/queue.tsx";
import { isOperator, requireOperator } from "../accounts/service.ts";
import type { App } from "../app.ts";
import { listLaneReports } from "../delivery/lanes.ts";
import {
  bounceQueue,
  cancelQueue,
  countQueue,
  listInQueue,
  pauseQueue,
  type QueueResult,
  requireCount,
  resumeQueue,
  retryQueue,
} from "../delivery/queue.ts";
import { isEverything, type QueueFilter, waitingStates } from "../delivery/queue-filter.ts";
import { type QueueRequest, readQueueFilter } from "../delivery/queue-request.ts";
import {
  findSendingPause,
  pauseQueueLane,
  pauseSending,
  resumeQueueLane,
  resumeSending,
} from "../delivery/queue-switches.ts";
import { Refusal } from "../errors.ts";
import { mistakesOf } from "./mistakes.ts";
import { signedIn, type Visit } from "./visit.ts";

const lanesOnPage = 25;
const emailsShown = 20;
const place = { title: "Queue", place: "queue" } as const;
const fields = ["delivery_id", "lane", "domain", "state", "tag", "older_than", "newer_than"] as const;

type Asked = Partial<Record<(typeof fields)[number], string>>;

/** What waits, what holds it up, and what can be done about it. */
export const queuePages = (app: App) =>
  new Elysia({ prefix: "/queue" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const after = laneIn(query.after);
      const search = after === undefined ? "" : `?${new URLSearchParams({ after })}`;
      return visit.page(
        { ...place, live: `/admin/queue/live${search}` },
        h(QueuePage, await stateOf(app, visit, after)),
      );
    })
    .get("/live", ({ visit, query }) =>
      visit.live(async () => {
        const state = await stateOf(app, visit, laneIn(query.after));
        return {
          sending: h(SendingSwitch, state),
          ...(state.isOperator && { lanes: h(LanesTable, state) }),
        };
      }),
    )
    .get("/selection", async ({ visit, query, server, request }) => {
      server?.timeout(request, 0); // a million deliveries take seconds to count
      const asked = readAsked((name) => query[name]);
      const reason = query.reason?.trim() ?? "";
      try {
        const filter = filterOf(asked, visit);
        const [count, waiting] = await Promise.all([
          countQueue(app, filter),
          listInQueue(app, filter, emailsShown),
        ]);
        const props = { csrf: visit.csrf, asked, reason, count, waiting, mistakes: {}, now: app.now() };
        return visit.page(place, h(SelectionPage, props));
      } catch (error) {
        const mistakes = mistakesOf(error, fields);
        const props = {
          csrf: visit.csrf,
          asked,
          reason,
          count: undefined,
          waiting: [],
          mistakes,
          now: app.now(),
        };
        return visit.page({ ...place, status: 422 }, h(SelectionPage, props));
      }
    })
    .post("/act", async ({ visit, server, request }) => {
      server?.timeout(request, 0);
      const act = acts.get(visit.form.text("act"));
      if (!act) throw new Refusal("validation_error", "Choose what is to be done with the deliveries.");
      const asked = readAsked((name) => visit.form.optional(name));
      const filter = filterOf(asked, visit);
      const expected = Number(visit.form.text("expected_count"));
      if (isEverything(filter) && !visit.form.isTicked("all")) {
        throw new Refusal("validation_error", "Say which deliveries, or that all are meant.");
      }
      await requireCount(app, filter, expected);
      visit.act(`${act.done} deliveries that waited (${describe(asked)})`, "");
      const { changed, busy } = await act.perform(app, filter, visit.form.optional("reason"));
      const left = busy > 0 ? ` ${busy} were being attempted at that moment, and were left alone.` : "";
      return visit.done("/admin/queue", `${act.done} ${deliveries(changed)}.${left}`);
    })
    .post("/sending/pause", async ({ visit }) => {
      await requireOperator(app, visit.teamId);
      visit.act("Paused all sending", "");
      await pauseSending(app, visit.form.text("reason"));
      return visit.done("/admin/queue", "All sending is paused. Emails are still accepted, and wait.");
    })
    .post("/sending/resume", async ({ visit }) => {
      await requireOperator(app, visit.teamId);
      visit.act("Resumed sending", "");
      await resumeSending(app);
      return visit.done("/admin/queue", "Mail is being sent again.");
    })
    .post("/lanes/pause", async ({ visit }) => {
      await requireOperator(app, visit.teamId);
      const lane = requireLane(visit);
      visit.act(`Paused the lane “${lane}”`, lane);
      await pauseQueueLane(app, lane, visit.form.text("reason"));
      return visit.done("/admin/queue", `The lane ${lane} is paused, with what comes into it later.`);
    })
    .post("/lanes/resume", async ({ visit }) => {
      await requireOperator(app, visit.teamId);
      const lane = requireLane(visit);
      visit.act(`Opened the lane “${lane}”`, lane);
      await resumeQueueLane(app, lane);
      return visit.done("/admin/queue", `The lane ${lane} is open.`);
    });

interface Act {
  done: string;
  perform(app: App, filter: QueueFilter, reason?: string): Promise<QueueResult>;
}

const acts = new Map<string, Act>([
  ["retry", { done: "Made due", perform: retryQueue }],
  ["hold", { done: "Held", perform: pauseQueue }],
  ["resume", { done: "Let go on", perform: resumeQueue }],
  ["bounce", { done: "Bounced", perform: bounceQueue }],
  ["cancel", { done: "Canceled", perform: cancelQueue }],
]);

const deliveries = (count: number) => (count === 1 ? "1 delivery" : `${count} deliveries`);

async function stateOf(app: App, visit: Visit, after: string | undefined) {
  const [pause, isAllowed] = await Promise.all([findSendingPause(app), isOperator(app, visit.teamId)]);
  const lanes = isAllowed ? await listLaneReports(app, { after, limit: lanesOnPage }) : [];
  return {
    ...{ csrf: visit.csrf, now: app.now(), pause, isOperator: isAllowed, after },
    lanes: lanes.slice(0, lanesOnPage),
    next: lanes.length > lanesOnPage ? lanes[lanesOnPage - 1]!.lane : undefined,
  };
}

function readAsked(read: (name: string) => string | undefined): Asked {
  return Object.fromEntries(
    fields.flatMap((name) => {
      const value = read(name)?.trim();
      return value ? [[name, value]] : [];
    }),
  );
}

function filterOf({ state, ...asked }: Asked, visit: Visit): QueueFilter {
  const known = waitingStates.find((each) => each === state);
  if (state !== undefined && !known) {
    throw new Refusal("validation_error", `The \`state\` must be one of ${waitingStates.join(", ")}.`);
  }
  return readQueueFilter({ ...asked, state: known } satisfies QueueRequest, visit.teamId);
}

const describe = (asked: Asked) =>
  Object.entries(asked)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
    .join(", ") || "all";

/** What can't be a lane's name begins at the start. */
const laneIn = (text: string | undefined) => (text && text.length <= 300 ? text : undefined);

function requireLane({ form }: Visit): string {
  const lane = laneIn(form.text("lane"));
  if (lane === undefined) throw new Refusal("validation_error", "Say which lane.");
  return lane;
}
