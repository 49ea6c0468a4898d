import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import {
  bounceQueue,
  cancelQueue,
  countQueue,
  listInQueue,
  pauseQueue,
  type Queued,
  type QueueResult,
  requireCount,
  resumeQueue,
  retryQueue,
} from "../delivery/queue.ts";
import { type QueueFilter, waitingStates } from "../delivery/queue-filter.ts";
import { authenticated } from "./auth.ts";
import { shown } from "./example.ts";
import { answer, bodyErrorAnswers } from "./openapi.ts";
import { actRequest, countRequest, listRequest, readActFilter, readFilter } from "./queue-request.ts";

const number = Type.Integer({ minimum: 0 });
const counted = Type.Object({
  object: Type.Literal("queue_count"),
  count: number,
  queued: number,
  deferred: number,
  scheduled: number,
  held: number,
  busy: Type.Integer({
    minimum: 0,
    description: "Being attempted at this moment; in one of the states, too.",
  }),
});
const id = Type.String({ format: "uuid" });
const listed = Type.Object({
  object: Type.Literal("queue_list"),
  data: Type.Array(
    Type.Object({
      delivery_id: id,
      email_id: id,
      broadcast_id: Type.Union([id, Type.Null()], {
        description: "The broadcast the email is, if it is one.",
      }),
      recipient: Type.String({ examples: ["ada@example.com"] }),
      subject: Type.String(),
      lane: Type.String({ examples: ["example.com"] }),
      state: Type.Union(waitingStates.map((state) => Type.Literal(state))),
      busy: Type.Boolean({ description: "Being attempted at this moment." }),
      next_at: Type.String({ format: "date-time", description: "When it is tried; held, when it would be." }),
    }),
  ),
});
const acted = Type.Object({
  object: Type.Literal("queue_result"),
  matched: number,
  changed: number,
  busy: Type.Integer({
    minimum: 0,
    description: "Left alone, because they were being attempted or somebody else changed them.",
  }),
});

type Act = (app: App, filter: QueueFilter, reason?: string) => Promise<QueueResult>;

/** A team's own waiting deliveries: count them first, then act on them. */
export const queueRoutes = (app: App) => {
  const routes = new Elysia({ prefix: "/queue" }).use(authenticated(app, "full_access")).post(
    "/count",
    async ({ caller, body, server, request }) => {
      server?.timeout(request, 0);
      return {
        object: "queue_count" as const,
        ...(await countQueue(app, readFilter(body, caller.teamId))),
      };
    },
    {
      parse: "json",
      body: shown(countRequest),
      detail: {
        summary: "Count deliveries that wait",
        tags: ["Queue"],
        responses: { 200: answer("How many match, by state", counted), ...bodyErrorAnswers },
      },
    },
  );
  const listing = new Elysia().use(authenticated(app, "full_access")).post(
    "/list",
    async ({ caller, body, server, request }) => {
      server?.timeout(request, 0); // a filter that few of a million match
      const { limit = 20, ...filter } = body;
      const found = await listInQueue(app, readFilter(filter, caller.teamId), limit);
      return { object: "queue_list" as const, data: found.map(toQueued) };
    },
    {
      parse: "json",
      body: shown(listRequest),
      detail: {
        summary: "Show some deliveries that wait",
        description:
          "Up to `limit` of those that match, to see who is meant; `POST /queue/count` counts all.",
        tags: ["Queue"],
        responses: { 200: answer("Some that match", listed), ...bodyErrorAnswers },
      },
    },
  );
  const adding = (path: string, act: Act, summary: string, description: string) =>
    new Elysia().use(authenticated(app, "full_access")).post(
      path,
      async ({ caller, body, server, request }) => {
        server?.timeout(request, 0); // a million deliveries take minutes
        const filter = readActFilter(body, caller.teamId);
        if (body.expected_count !== undefined) await requireCount(app, filter, body.expected_count);
        return { object: "queue_result" as const, ...(await act(app, filter, body.reason)) };
      },
      {
        parse: "json",
        body: shown(actRequest),
        detail: {
          summary,
          tags: ["Queue"],
          responses: { 200: answer(description, acted), ...bodyErrorAnswers },
        },
      },
    );
  return routes
    .use(listing)
    .use(adding("/pause", pauseQueue, "Hold deliveries that wait", "Held until they are resumed"))
    .use(adding("/resume", resumeQueue, "Let held deliveries go on", "Due now, or when scheduled"))
    .use(adding("/retry", retryQueue, "Try deliveries now that wait for their next try", "Due now"))
    .use(adding("/bounce", bounceQueue, "Bounce deliveries that wait", "Bounced; no address is suppressed"))
    .use(adding("/cancel", cancelQueue, "Cancel deliveries that wait", "Canceled"));
};

function toQueued({ id, emailId, broadcastId, recipient, subject, lane, state, isBusy, runAt }: Queued) {
  return {
    delivery_id: id,
    ...{ email_id: emailId, broadcast_id: broadcastId },
    ...{ recipient, subject, lane, state },
    busy: isBusy,
    next_at: runAt.toISOString(),
  };
}
