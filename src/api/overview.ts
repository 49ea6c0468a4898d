import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { getOverview, type Overview, type ServerState } from "../metrics/overview.ts";
import type { Problem } from "../metrics/problems.ts";
import type { Metrics } from "../metrics/read.ts";
import { authenticated } from "./auth.ts";
import { answer, errorAnswers } from "./openapi.ts";
import { overviewAnswer } from "./overview-schemas.ts";

/** How things stand at this moment, in one answer: what a person sees first in the admin. */
export const overviewRoutes = (app: App) =>
  new Elysia()
    .use(authenticated(app, "full_access"))
    .get("/overview", async ({ caller }) => toAnswer(await getOverview(app, caller.teamId)), {
      detail: {
        summary: "See how things stand",
        description: "It costs the same however much was sent, so it may be asked for often.",
        tags: ["Overview"],
        responses: {
          200: answer("The last day and month, and what is not well", overviewAnswer),
          ...errorAnswers,
        },
      },
    });

function toAnswer({ now, day, month, pause, server, domains, webhooks, problems, steps }: Overview) {
  return {
    object: "overview" as const,
    created_at: now.toISOString(),
    day: toMetrics(day, "hourly"),
    month: toMetrics(month, "daily"),
    sending: {
      status: pause ? ("paused" as const) : ("active" as const),
      reason: pause?.reason ?? null,
      paused_at: pause?.createdAt.toISOString() ?? null,
    },
    server: server ? toServer(server) : null,
    domains: domains.map(({ id, name, status, verifiedAt }) => ({
      ...{ id, name, status, verified_at: verifiedAt?.toISOString() ?? null },
    })),
    webhooks: webhooks.map(({ id, endpoint, status, failingSince, disabledReason }) => ({
      ...{ id, endpoint, status, failing_since: failingSince?.toISOString() ?? null },
      disabled_reason: disabledReason,
    })),
    problems: problems.map(toProblem),
    steps,
  };
}

const toMetrics = ({ start, end, totals, rows = [] }: Metrics, granularity: "hourly" | "daily") => ({
  start_date: start.toISOString(),
  end_date: end.toISOString(),
  granularity,
  totals,
  data: rows.map(({ period, values }) => ({ period, ...values })),
});

const toServer = ({ queue: { due, later, oldestDueAt }, busy, threads, disk }: ServerState) => ({
  queue: { due, later, busy, oldest_due_at: oldestDueAt?.toISOString() ?? null },
  threads: { count: threads.threads, tasks: threads.tasks },
  disk: disk ? { free_bytes: disk.freeBytes, total_bytes: disk.totalBytes } : null,
});

const toProblem = ({ kind, emailId, broadcastId, subject, recipients, total, ...last }: Problem) => ({
  ...{ kind, email_id: emailId, broadcast_id: broadcastId, subject, recipients, total },
  ...{ delivery_id: last.deliveryId, reason: last.reason, created_at: last.at.toISOString() },
});
