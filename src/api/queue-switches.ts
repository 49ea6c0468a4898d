import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import { requireOperator } from "../accounts/service.ts";
import type { App } from "../app.ts";
import { countedInLane, type LaneReport, listLaneReports } from "../delivery/lanes.ts";
import { shortLane } from "../delivery/queue-filter.ts";
import {
  findSendingPause,
  pauseQueueLane,
  pauseSending,
  resumeQueueLane,
  resumeSending,
} from "../delivery/queue-switches.ts";
import { Refusal } from "../errors.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { answer, bodyErrorAnswers, errorAnswers, listOf } from "./openapi.ts";
import { reasonField } from "./queue-request.ts";

const orNull = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Union([schema, Type.Null()]);
const time = orNull(Type.String({ format: "date-time" }));
const text = orNull(Type.String());

const overview = Type.Object({
  object: Type.Literal("queue"),
  sending: Type.Union([Type.Literal("active"), Type.Literal("paused")]),
  reason: text,
  paused_at: time,
});
const laneItem = Type.Object({
  object: Type.Literal("lane"),
  lane: Type.String(),
  next_at: time,
  blocked_until: time,
  blocked_by: text,
  paused: Type.Boolean(),
  waiting: Type.Integer({ minimum: 0, description: `Deliveries, counted up to ${countedInLane}.` }),
  due: Type.Integer({ minimum: 0, description: "Those whose time has come, counted as far." }),
  busy: Type.Integer({ minimum: 0, description: "Being attempted at this moment." }),
  status: Type.String({ description: "What limits it now, in a sentence." }),
});
const laneSwitched = Type.Object({
  object: Type.Literal("lane"),
  lane: Type.String(),
  paused: Type.Boolean(),
});

const laneField = t.String({ minLength: 1, maxLength: 300, description: "A lane's name." });
const optionalReason = t.Object({ reason: t.Optional(reasonField) }, { additionalProperties: false });
const laneAndReason = t.Object(
  { lane: laneField, reason: t.Optional(reasonField) },
  { additionalProperties: false },
);

/** What stops mail for the whole server, and shows what stops it. */
export const queueSwitchRoutes = (app: App) =>
  new Elysia({ prefix: "/queue" })
    .use(authenticated(app, "full_access"))
    .get("", () => overviewOf(app), {
      detail: {
        summary: "See whether anything is sent",
        tags: ["Queue"],
        responses: {
          200: answer("Whether all sending is paused, since when and why", overview),
          ...errorAnswers,
        },
      },
    })
    .get(
      "/lanes",
      async ({ caller, query }) => {
        await requireOperator(app, caller.teamId);
        const limit = readLimit(query.limit);
        const lanes = await listLaneReports(app, { after: query.after, limit });
        return {
          object: "list" as const,
          has_more: lanes.length > limit,
          data: lanes.slice(0, limit).map(toLane),
        };
      },
      {
        query: t.Object(
          { limit: t.Optional(t.String()), after: t.Optional(t.String({ description: "A lane's name." })) },
          { additionalProperties: true },
        ),
        detail: {
          summary: "List lanes in which something waits or that are blocked (operator)",
          tags: ["Queue"],
          responses: { 200: answer("A page, by name", listOf(laneItem)), ...errorAnswers },
        },
      },
    )
    .post(
      "/lanes/pause",
      async ({ caller, body }) => {
        await requireOperator(app, caller.teamId);
        await pauseQueueLane(app, body.lane, body.reason);
        return { object: "lane" as const, lane: shortLane(body.lane), paused: true };
      },
      {
        parse: "json",
        body: shown(laneAndReason),
        detail: {
          summary: "Pause a lane, with what comes into it later (operator)",
          tags: ["Queue"],
          responses: { 200: answer("Paused", laneSwitched), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/lanes/resume",
      async ({ caller, body }) => {
        await requireOperator(app, caller.teamId);
        await resumeQueueLane(app, body.lane);
        return { object: "lane" as const, lane: shortLane(body.lane), paused: false };
      },
      {
        parse: "json",
        body: shown(laneAndReason),
        detail: {
          summary: "Open a lane, whoever blocked it (operator)",
          tags: ["Queue"],
          responses: { 200: answer("Open", laneSwitched), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/sending/pause",
      async ({ caller, body }) => {
        await requireOperator(app, caller.teamId);
        await pauseSending(app, body.reason);
        return overviewOf(app);
      },
      {
        parse: "json",
        body: shown(optionalReason),
        detail: {
          summary: "Pause all sending of the server (operator)",
          tags: ["Queue"],
          responses: { 200: answer("Paused; emails are still accepted", overview), ...bodyErrorAnswers },
        },
      },
    )
    .post(
      "/sending/resume",
      async ({ caller }) => {
        await requireOperator(app, caller.teamId);
        await resumeSending(app);
        return overviewOf(app);
      },
      {
        parse: "json",
        body: shown(optionalReason),
        detail: {
          summary: "Let the server send again (operator)",
          tags: ["Queue"],
          responses: { 200: answer("Sending", overview), ...bodyErrorAnswers },
        },
      },
    );

async function overviewOf(app: App) {
  const pause = await findSendingPause(app);
  return {
    object: "queue" as const,
    sending: pause ? ("paused" as const) : ("active" as const),
    reason: pause?.reason ?? null,
    paused_at: pause?.createdAt.toISOString() ?? null,
  };
}

function readLimit(limit = "20"): number {
  if (/^([1-9]|[1-9]\d|100)$/.test(limit)) return Number(limit);
  throw new Refusal("validation_error", "The `limit` must be a number between 1 and 100.");
}

function toLane({ lane, nextAt, blockedUntil, blockedBy, isPaused, ...report }: LaneReport) {
  const { waiting, due, busy, status } = report;
  return {
    object: "lane" as const,
    lane,
    next_at: nextAt?.toISOString() ?? null,
    blocked_until: blockedUntil?.toISOString() ?? null,
    blocked_by: blockedBy,
    paused: isPaused,
    ...{ waiting, due, busy, status },
  };
}
