import { Type } from "@sinclair/typebox";
import { domainStatuses } from "../domains/schema.ts";
import type { Metric } from "../metrics/names.ts";
import { overviewMetrics } from "../metrics/overview.ts";
import { problemKinds } from "../metrics/problems.ts";
import { webhookStatuses } from "../webhooks/schema.ts";

const id = Type.String({ format: "uuid" });
const time = Type.String({ format: "date-time" });
const moment = Type.Union([time, Type.Null()]);
const text = Type.Union([Type.String(), Type.Null()]);
const number = Type.Integer({ minimum: 0 });
const oneOf = (words: readonly string[]) => Type.Union(words.map((word) => Type.Literal(word)));

const counted = Object.fromEntries(overviewMetrics.map((metric: Metric) => [metric, Type.Number()]));
const metrics = (description: string, granularity: "hourly" | "daily", period: string) =>
  Type.Object(
    {
      start_date: time,
      end_date: time,
      granularity: Type.Literal(granularity),
      totals: Type.Object(counted),
      data: Type.Array(Type.Object({ period: Type.String({ examples: [period] }), ...counted })),
    },
    { description },
  );

export const overviewAnswer = Type.Object({
  object: Type.Literal("overview"),
  created_at: time,
  day: metrics(
    "The last 24 hours, by hour. Counts are of recipients, rates percentages.",
    "hourly",
    "2026-03-01T12:00:00.000Z",
  ),
  month: metrics("The last 30 days, by day.", "daily", "2026-03-01"),
  sending: Type.Object(
    { status: oneOf(["active", "paused"]), reason: text, paused_at: moment },
    { description: "Whether the server sends, or since when and why it does not." },
  ),
  server: Type.Union(
    [
      Type.Object({
        queue: Type.Object({
          due: Type.Integer({ minimum: 0, description: "Counted up to 10,000, as `later` is." }),
          later: number,
          busy: Type.Integer({ minimum: 0, description: "Deliveries and other work under way." }),
          oldest_due_at: moment,
        }),
        threads: Type.Object({ count: number, tasks: number }, { description: "What composes messages." }),
        disk: Type.Union([Type.Object({ free_bytes: number, total_bytes: number }), Type.Null()]),
      }),
      Type.Null(),
    ],
    { description: "For the operator's team alone; null for others." },
  ),
  domains: Type.Array(
    Type.Object({
      id,
      name: Type.String({ examples: ["example.com"] }),
      status: oneOf(domainStatuses),
      verified_at: moment,
    }),
    { description: "The newest 100." },
  ),
  webhooks: Type.Array(
    Type.Object({
      id,
      endpoint: Type.String({ examples: ["https://example.com/webhooks"] }),
      status: oneOf(webhookStatuses),
      failing_since: moment,
      disabled_reason: Type.Union([Type.String(), Type.Null()], { examples: [null] }),
    }),
    { description: "The newest 100." },
  ),
  problems: Type.Array(
    Type.Object({
      kind: oneOf(problemKinds),
      email_id: id,
      broadcast_id: Type.Union([id, Type.Null()]),
      subject: Type.String(),
      recipients: Type.Array(Type.String({ examples: ["ada@example.net"] }), {
        description: "Whom it happened to, the newest first; of many only some.",
      }),
      total: Type.Integer({ minimum: 0, description: "How many recipients." }),
      delivery_id: Type.Union([id, Type.Null()], {
        description:
          "The delivery to the first of the recipients; of a broadcast, `GET /broadcasts/{id}/recipients/{delivery_id}` tells of it.",
      }),
      reason: text,
      created_at: time,
    }),
    { description: "What did not arrive in the last 24 hours, or was complained of; the newest few." },
  ),
  steps: Type.Object(
    {
      domain: Type.Boolean(),
      verified: Type.Boolean(),
      key: Type.Boolean(),
      email: Type.Boolean(),
    },
    { description: "What a team has done of what it takes to send." },
  ),
});
