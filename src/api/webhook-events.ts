import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { Refusal } from "../errors.ts";
import { readIsoTime } from "../suppressions/iso-time.ts";
import type { ListedEvent } from "../webhooks/event-store.ts";
import { isAttemptId, isMessageId } from "../webhooks/message-id.ts";
import {
  findEventsOf,
  getAttempts,
  getPayload,
  getWebhookEvent,
  getWebhookEvents,
} from "../webhooks/read.ts";
import { replayEvent, replayFiltered } from "../webhooks/replay.ts";
import type { WebhookAttempt } from "../webhooks/schema.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { listAnswer, pageQuery, readPage, searchAnswer, searchNote, searchPage } from "./list.ts";
import { answer, bodyErrorAnswers, errorAnswers } from "./openapi.ts";
import {
  attemptList,
  eventAnswer,
  eventList,
  eventReference,
  eventsQuery,
  replayAnswer,
  replayFilter,
} from "./webhook-schemas.ts";

const tags = ["Webhooks"];

/** What an endpoint was told, what came of it, and telling it again. */
export const webhookEventRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get(
      "/:id/events",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged", ofEvents);
        const { status } = query;
        if (status !== undefined) {
          const search = { status, ...searchPage(page) };
          const { rows, next } = await findEventsOf(app, caller.teamId, params.id, search);
          return searchAnswer(rows, next, toEvent);
        }
        return listAnswer(await getWebhookEvents(app, caller.teamId, params.id, page), page, toEvent);
      },
      {
        query: eventsQuery,
        detail: {
          summary: "List the events of a webhook",
          description: `With \`status\` it is ${searchNote}`,
          tags,
          responses: { 200: answer("A page, newest first", eventList), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/events/:eventId",
      async ({ caller, params }) => {
        const event = await getWebhookEvent(app, caller.teamId, params.id, params.eventId);
        return {
          object: "webhook_event",
          ...toEvent(event),
          next_attempt_at: event.nextAttemptAt?.toISOString() ?? null,
          payload: await getPayload(app, event),
        };
      },
      {
        detail: {
          summary: "Get an event of a webhook",
          tags,
          responses: { 200: answer("The event and what its calls carry", eventAnswer), ...errorAnswers },
        },
      },
    )
    .get(
      "/:id/events/:eventId/attempts",
      async ({ caller, params, query }) => {
        const page = readPage(query, "paged", ofAttempts);
        const rows = await getAttempts(app, caller.teamId, params.id, params.eventId, page);
        return listAnswer(rows, page, toAttempt);
      },
      {
        query: pageQuery,
        detail: {
          summary: "List the calls that were made with an event",
          tags,
          responses: { 200: answer("A page, newest first", attemptList), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/events/:eventId/replay",
      async ({ caller, params }) => ({
        object: "webhook_event",
        id: await replayEvent(app, caller.teamId, params.id, params.eventId),
      }),
      {
        detail: {
          summary: "Tell a webhook an event again",
          description: "Whatever came of it before; with the same id, and the same body.",
          tags,
          responses: { 200: answer("It is on its way", eventReference), ...errorAnswers },
        },
      },
    )
    .post(
      "/:id/replay",
      async ({ caller, params, body }) => {
        const { type, status, from, to } = body;
        const id = await replayFiltered(app, caller.teamId, params.id, {
          ...{ type, status },
          from: readTime("from", from),
          to: readTime("to", to),
        });
        return { object: "webhook_replay", id };
      },
      {
        parse: "json",
        body: shown(replayFilter),
        detail: {
          summary: "Tell a webhook again all events of a kind",
          description: "Those that failed, unless `status` says otherwise; some hundred at a time.",
          tags,
          responses: { 200: answer("It has begun", replayAnswer), ...bodyErrorAnswers },
        },
      },
    );

const ofEvents = { isCursor: isMessageId, says: "must be the id of an event of this list, `msg_…`" };
const ofAttempts = { isCursor: isAttemptId, says: "must be the id of an attempt of this list, `atmpt_…`" };

function readTime(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = readIsoTime(text);
  if (time) return time;
  throw new Refusal(
    "validation_error",
    `Invalid \`${name}\` field. It must be an ISO 8601 time with its time zone, such as \`2026-08-05T11:52:01Z\`.`,
  );
}

function toEvent({ id, name, createdAt, status, isUnderWay }: ListedEvent) {
  return {
    id,
    type: name,
    created_at: createdAt.toISOString(),
    status: status === "pending" && isUnderWay ? "attempting" : status,
  };
}

function toAttempt({ id, httpStatus, response, createdAt, durationMs, error }: WebhookAttempt) {
  return {
    id,
    http_status_code: httpStatus ?? 0, // a number for every client, as Svix has it
    response: httpStatus === null ? (error ?? "") : response,
    sent_at: createdAt.toISOString(),
    duration_ms: durationMs,
    error,
  };
}
