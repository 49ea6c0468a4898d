/** One broadcast from when it is scheduled or sent: how far it is, and what came of it. */
import { Elysia } from "elysia";
import { h } from "preact";
import {
  BroadcastActs,
  BroadcastProgress,
  BroadcastRate,
  BroadcastState,
  ContentPage,
  ResultsPage,
} from "../../views/broadcast.tsx";
import { BroadcastPace } from "../../views/broadcast-draft.tsx";
import { ClickedLinks, LinksPage, RecipientRows, RecipientsPage } from "../../views/broadcast-reports.tsx";
import type { App } from "../app.ts";
import { expectedEnd } from "../broadcasts/pace.ts";
import { changeRate, isOnItsWay } from "../broadcasts/rate.ts";
import { getBroadcast, getListedBroadcast, getProgress } from "../broadcasts/read.ts";
import {
  bounceTypes,
  getClickedLinks,
  getRecipients,
  type RecipientType,
  recipientTypes,
} from "../broadcasts/recipients.ts";
import { isEnded } from "../broadcasts/schema.ts";
import { cancelBroadcast, pauseBroadcast, resumeBroadcast } from "../broadcasts/send.ts";
import type { ListedBroadcast } from "../broadcasts/store.ts";
import { getSegment } from "../contacts/segments.ts";
import { getTopic } from "../contacts/topics.ts";
import { Refusal } from "../errors.ts";
import { eventsKeptSince } from "../events/retention.ts";
import { atLeast } from "../roles.ts";
import { readRate } from "./broadcast-form.ts";
import { previewFor, readWhose } from "./broadcast-preview.ts";
import { recipientPages } from "./broadcast-recipient.ts";
import { type Mistakes, mistakesOf } from "./mistakes.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const place = "broadcasts" as const;
const pathOf = (id: string) => `/admin/broadcasts/${id}`;

export const coursePages = (app: App) =>
  new Elysia().use(livePages(app)).use(reportPages(app)).use(recipientPages(app)).use(actPages(app));

/** A rate as it was typed, and what is wrong with it. */
interface RateGiven {
  value: string;
  mistakes: Mistakes;
}

/** Its page, from then on when it is no draft any more. */
export async function coursePage(
  app: App,
  visit: Visit,
  broadcast: ListedBroadcast,
  rate?: RateGiven,
): Promise<Response> {
  const content = h(ResultsPage, {
    ...headOf(app, visit, broadcast),
    ...(await namesFor(app, broadcast)),
    ...(await progressOf(app, broadcast)),
    rate: { isOnItsWay: isOnItsWay(broadcast), given: rate },
  });
  const page = { title: broadcast.name, place };
  if (rate) return visit.page({ ...page, status: 422 }, content); // what is live would take away what is wrong
  return visit.page({ ...page, live: `${pathOf(broadcast.id)}/live` }, content);
}

const progressOf = async (app: App, broadcast: ListedBroadcast) => ({
  ...{ broadcast, progress: await getProgress(app, broadcast), isFound: isEnded(broadcast.cursor) },
  expectedEnd: expectedEnd(broadcast, app.now()),
  now: app.now(),
});

const headOf = (app: App, { csrf }: Visit, broadcast: ListedBroadcast) => ({
  ...{ csrf, broadcast, now: app.now(), eventsSince: eventsKeptSince(app) },
});

/** What its segment and topic are called; they may have been deleted since. */
export async function namesFor(
  app: App,
  { teamId, segmentId, topicId }: Pick<ListedBroadcast, "teamId" | "segmentId" | "topicId">,
): Promise<{ segment: string; topic: string | null }> {
  return {
    segment: await nameOf(getSegment(app, teamId, segmentId)),
    topic: topicId === null ? null : await nameOf(getTopic(app, teamId, topicId)),
  };
}

async function nameOf(named: Promise<{ name: string }>): Promise<string> {
  try {
    return (await named).name;
  } catch (error) {
    if (error instanceof Refusal) return "one that was deleted since";
    throw error;
  }
}

const livePages = (app: App) =>
  new Elysia().use(signedIn(app)).get("/:id/live", async ({ visit, params }) => {
    await getListedBroadcast(app, visit.teamId, params.id);
    return visit.live(async () => {
      const broadcast = await getListedBroadcast(app, visit.teamId, params.id);
      return {
        "broadcast-state": h(BroadcastState, { broadcast, now: app.now() }),
        "broadcast-acts": h(BroadcastActs, { csrf: visit.csrf, broadcast }),
        "broadcast-progress": h(BroadcastProgress, await progressOf(app, broadcast)),
        "broadcast-rate": h(BroadcastRate, {
          ...{ csrf: visit.csrf, broadcast, isOnItsWay: isOnItsWay(broadcast) },
        }),
        "broadcast-pace": h(BroadcastPace, broadcast),
      };
    });
  });

const reportPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/:id/recipients", async ({ visit, params, query }) => {
      const broadcast = await getListedBroadcast(app, visit.teamId, params.id);
      const page = keysetOf(query);
      const [kind, ofBounce] = (query.type ?? "").split(":");
      const type = recipientTypes.find((each) => each === kind) ?? ("all" satisfies RecipientType);
      const bounceType = type === "bounced" ? bounceTypes.find((each) => each === ofBounce) : undefined;
      const email = query.email?.trim() ?? "";
      const found = await getRecipients(
        app,
        visit.teamId,
        broadcast.id,
        { type, email: email || undefined, bounceType },
        page,
      );
      const { rows: recipients, next } = sliceOf(found, page);
      const list = { broadcastId: broadcast.id, recipients, next, type, bounceType, email };
      if (visit.wantsPiece && page.after) return visit.piece(h(RecipientRows, list));
      return visit.page(
        { title: `Recipients of ${broadcast.name}`, place },
        h(RecipientsPage, { ...headOf(app, visit, broadcast), ...list }),
      );
    })
    .get("/:id/links", async ({ visit, params, query }) => {
      const broadcast = await getListedBroadcast(app, visit.teamId, params.id);
      const links =
        query.counted === undefined ? undefined : await clickedLinks(app, visit.teamId, broadcast.id);
      if (visit.wantsPiece && links) return visit.piece(h(ClickedLinks, { links }));
      return visit.page(
        { title: `Clicked links of ${broadcast.name}`, place },
        h(LinksPage, { ...headOf(app, visit, broadcast), links }),
      );
    })
    .get("/:id/content", async ({ visit, params, query }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const preview = await previewFor(app, visit, broadcast, {}, readWhose(query));
      const shown = "problem" in preview ? "" : (preview.contact?.email ?? "");
      return visit.page(
        { title: `Message of ${broadcast.name}`, place },
        h(ContentPage, {
          ...headOf(app, visit, broadcast),
          preview: { ...preview, isFixed: true },
          frame: `${pathOf(broadcast.id)}/frame?${new URLSearchParams({ contact: shown })}`,
        }),
      );
    });

async function clickedLinks(app: App, teamId: string, id: string) {
  const links = await getClickedLinks(app, teamId, id, { limit: undefined });
  return links.sort((a, b) => b.clicks - a.clicks);
}

const actPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .post("/:id/pause", ({ visit, params }) =>
      steer(app, visit, params.id, ["Paused", pauseBroadcast, "Paused: nothing more is begun."]),
    )
    .post("/:id/resume", ({ visit, params }) =>
      steer(app, visit, params.id, ["Resumed", resumeBroadcast, "It goes on."]),
    )
    .post("/:id/rate", async ({ visit, params }) => {
      const broadcast = await getBroadcast(app, visit.teamId, params.id);
      const value = visit.form.text("rate");
      const how = value === "" ? "no limit" : `${value} messages a minute`;
      visit.act(`Changed the rate of the broadcast “${broadcast.name}” to ${how}`);
      try {
        await changeRate(app, broadcast, readRate(value));
        return visit.done(pathOf(broadcast.id), "From now on it goes at this rate.");
      } catch (error) {
        const hasForm = isOnItsWay(broadcast) && atLeast(visit.role, "developer");
        if (!hasForm) throw error;
        const mistakes = mistakesOf(error, ["messages_per_minute"]);
        return coursePage(app, visit, broadcast, { value, mistakes });
      }
    })
    .post("/:id/cancel", ({ visit, params }) =>
      steer(app, visit, params.id, ["Canceled", cancelBroadcast, "It is canceled."]),
    );

type Steering = [
  did: string,
  steer: (app: App, teamId: string, id: string) => Promise<unknown>,
  notice: string,
];

async function steer(app: App, visit: Visit, id: string, [did, act, notice]: Steering): Promise<Response> {
  const { name } = await getListedBroadcast(app, visit.teamId, id);
  visit.act(`${did} the broadcast “${name}”`);
  await act(app, visit.teamId, id);
  return visit.done(pathOf(id), notice);
}
