import { Elysia } from "elysia";
import type { App } from "../app.ts";
import {
  createBroadcast,
  deleteBroadcast,
  duplicateBroadcast,
  updateBroadcast,
} from "../broadcasts/change.ts";
import { expectedEnd } from "../broadcasts/pace.ts";
import {
  findBroadcastsBy,
  findBroadcastsPlace,
  getBroadcast,
  getBroadcasts,
  getProgress,
  type Progress,
} from "../broadcasts/read.ts";
import type { Broadcast } from "../broadcasts/schema.ts";
import {
  cancelBroadcast,
  createAndSend,
  pauseBroadcast,
  resumeBroadcast,
  sendBroadcast,
} from "../broadcasts/send.ts";
import type { ListedBroadcast } from "../broadcasts/store.ts";
import { readSchedule } from "../emails/schedule.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { broadcastReportRoutes } from "./broadcast-reports.ts";
import {
  broadcastAnswer,
  broadcastList,
  changes,
  creation,
  deleted,
  listQuery,
  reference,
  sending,
  toFields,
  toNewFields,
} from "./broadcast-schemas.ts";
import { broadcastTrialRoutes } from "./broadcast-trials.ts";
import { shown } from "./example.ts";
import { listAnswer, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { askedNumbers, numberedList, numberedNote, numberedSearchNote } from "./numbered.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";

export const broadcastRoutes = (app: App) =>
  new Elysia({ prefix: "/broadcasts" })
    .use(draftRoutes(app))
    .use(courseRoutes(app))
    .use(broadcastTrialRoutes(app))
    .use(broadcastReportRoutes(app));

const tags = ["Broadcasts"];
const toReference = ({ id }: { id: string }) => ({ object: "broadcast" as const, id });

const draftRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "",
      async ({ caller, body, set }) => {
        const { send, scheduled_at } = body;
        if (!send && scheduled_at) {
          throw new Refusal(
            "validation_error",
            "Invalid `scheduled_at` field. It is taken together with `send: true`; a draft is scheduled when it is sent.",
          );
        }
        const made = send
          ? await createAndSend(app, caller, toNewFields(body), toTime(app, scheduled_at))
          : await createBroadcast(app, caller.teamId, toNewFields(body));
        set.status = 201;
        return toReference(made);
      },
      {
        parse: "json",
        body: shown(creation),
        detail: {
          summary: "Create a broadcast",
          tags,
          responses: { 201: answer("A draft, or on its way", reference), ...bodyErrorAnswers },
        },
      },
    )
    .get(
      "",
      async ({ caller, query }) => {
        const { search, status } = query;
        const filter = { search, statuses: status === undefined ? undefined : [status] };
        const numbers = askedNumbers(query);
        if (numbers) {
          return numberedList(
            numbers,
            () => findBroadcastsPlace(app, caller.teamId, numbers, filter),
            (page) => getBroadcasts(app, caller.teamId, page, filter),
            toItem,
          );
        }
        const page = readPage(query, "unpaged");
        if (search !== undefined) {
          const { rows, next } = await findBroadcastsBy(app, caller.teamId, filter, searchPage(page));
          return searchAnswer(rows, next, toItem);
        }
        return listAnswer(await getBroadcasts(app, caller.teamId, page, filter), page, toItem);
      },
      {
        query: listQuery,
        detail: {
          summary: "List and search broadcasts",
          description: `With \`search\` it is ${searchNote} ${numberedNote} ${numberedSearchNote}`,
          tags,
          responses: { 200: answer("Newest first", broadcastList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id",
      async ({ caller, params }) => {
        const broadcast = await getBroadcast(app, caller.teamId, params.id);
        return toAnswer(app, broadcast, await getProgress(app, broadcast));
      },
      {
        detail: {
          summary: "Get a broadcast, and how far it is",
          tags,
          responses: { 200: answer("The broadcast", broadcastAnswer), ...errorAnswers },
        },
      },
    )
    .patch(
      "/:id",
      async ({ caller, params, body }) =>
        toReference(await updateBroadcast(app, caller.teamId, params.id, toFields(body))),
      {
        parse: "json",
        body: shown(changes),
        detail: {
          summary: "Update a draft, or the rate of one that is on its way",
          description:
            "Of a broadcast that is scheduled, queued, sending or paused `messages_per_minute` alone can be changed. It counts at once: whoever still waits is given another turn.",
          tags,
          responses: { 200: answer("Updated", reference), ...bodyErrorAnswers },
        },
      },
    )
    .delete(
      "/:id",
      async ({ caller, params }) => ({
        ...toReference(await deleteBroadcast(app, caller.teamId, params.id)),
        deleted: true,
      }),
      {
        detail: {
          summary: "Delete a draft",
          tags,
          responses: { 200: answer("Deleted", deleted), ...errorAnswers },
        },
      },
    );

/** What sets a broadcast going and what stops it. */
const courseRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .post(
      "/:id/send",
      async ({ caller, params, body }) =>
        toReference(await sendBroadcast(app, caller, params.id, toTime(app, body.scheduled_at))),
      {
        parse: "json",
        body: shown(sending),
        detail: {
          summary: "Send a draft, at once or at a time",
          tags,
          responses: { 200: answer("On its way", reference), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/:id/duplicate",
      async ({ caller, params, set }) => {
        const copy = await duplicateBroadcast(app, caller.teamId, params.id);
        set.status = 201;
        return toReference(copy);
      },
      {
        detail: {
          summary: "Copy a broadcast into a new draft",
          tags,
          responses: { 201: answer("The draft", reference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/cancel",
      async ({ caller, params }) => toReference(await cancelBroadcast(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Take back a broadcast that has not begun, or end a paused one",
          tags,
          responses: { 200: answer("A draft again; a paused one is over", reference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/pause",
      async ({ caller, params }) => toReference(await pauseBroadcast(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Stop a broadcast while it is being sent",
          tags,
          responses: { 200: answer("Nothing more is begun", reference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/resume",
      async ({ caller, params }) => toReference(await resumeBroadcast(app, caller.teamId, params.id)),
      {
        detail: {
          summary: "Let a paused broadcast go on",
          tags,
          responses: { 200: answer("It goes on", reference), ...errorAnswers },
        },
      },
    );

const toTime = (app: App, text: string | null | undefined): Date | undefined =>
  text ? readSchedule(text, app.now()) : undefined;

function toItem(broadcast: ListedBroadcast) {
  const { id, name, segmentId, status, createdAt, scheduledAt, sentAt, topicId } = broadcast;
  return {
    ...{ id, name, audience_id: segmentId, segment_id: segmentId, status },
    created_at: createdAt.toISOString(),
    scheduled_at: scheduledAt?.toISOString() ?? null,
    sent_at: sentAt?.toISOString() ?? null,
    topic_id: topicId,
  };
}

function toAnswer(app: App, broadcast: Broadcast, progress: Progress) {
  const { sender, subject, replyTo, previewText, html, text, ratePerMinute, problem } = broadcast;
  const { skippedUnsubscribed, ...counts } = progress;
  return {
    object: "broadcast" as const,
    ...toItem(broadcast),
    ...{ from: sender, subject, reply_to: replyTo.length > 0 ? replyTo : null, preview_text: previewText },
    ...{ html, text, messages_per_minute: ratePerMinute, problem },
    started_at: broadcast.startedAt?.toISOString() ?? null,
    expected_end_at: expectedEnd(broadcast, app.now())?.toISOString() ?? null,
    updated_at: broadcast.updatedAt.toISOString(),
    progress: { ...counts, skipped_unsubscribed: skippedUnsubscribed },
  };
}
