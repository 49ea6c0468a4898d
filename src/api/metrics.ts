import { type TSchema, Type as t } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { App } from "../app.ts";
import { granularities, knownDimensions, knownMetrics } from "../metrics/names.ts";
import { getMetrics, type MetricsRow } from "../metrics/read.ts";
import { authenticated } from "./auth.ts";
import { readMetricsRequest } from "./metrics-request.ts";
import { answer, errorAnswers } from "./openapi.ts";

const oneOf = (...values: readonly string[]) => t.Union(values.map((value) => t.Literal(value)));
const orNull = <S extends Parameters<typeof t.Union>[0][number]>(schema: S) => t.Union([schema, t.Null()]);

const values = t.Partial(
  t.Record(
    oneOf(...knownMetrics),
    t.Number({ description: "Counts are of recipients, rates percentages of two decimals." }),
  ),
);

const metricsAnswer = t.Object({
  object: t.Literal("metrics"),
  start_date: t.String({ format: "date-time" }),
  end_date: t.String({ format: "date-time" }),
  metrics: t.Array(oneOf(...knownMetrics)),
  dimensions: t.Array(oneOf(...knownDimensions)),
  granularity: oneOf(...granularities),
  totals: values,
  data: t.Optional(
    t.Array(
      t.Composite([
        t.Object({
          period: t.Optional(
            t.String({
              description: "The period's first day, `2026-07-01`; its first moment where periods are hours.",
            }),
          ),
          domain_id: t.Optional(orNull(t.String())),
          domain_name: t.Optional(orNull(t.String({ description: "Null once the domain was removed." }))),
          email_id: t.Optional(t.String({ format: "uuid" })),
          broadcast_id: t.Optional(t.String({ format: "uuid" })),
          broadcast_name: t.Optional(orNull(t.String())),
          provider: t.Optional(t.String({ description: "Smaller ones have no row.", examples: ["gmail"] })),
          tag_name: t.Optional(t.String({ examples: ["category"] })),
          tag_value: t.Optional(t.String({ examples: ["welcome"] })),
        }),
        values,
      ]),
      { description: "Only with dimensions." },
    ),
  ),
});

const parameter = (name: string, description: string, schema: TSchema = t.String()) => ({
  name,
  in: "query" as const,
  required: false,
  description,
  schema,
});
const list = (name: string, description: string, item: TSchema = t.String({ format: "uuid" })) =>
  parameter(name, `${description} Separated by commas, or the parameter repeated.`, t.Array(item));

const parameters = [
  parameter("start_date", "ISO 8601 date or datetime; 6 days before `end_date` when absent."),
  parameter("end_date", "ISO 8601 date or datetime, not included; now when absent or in the future."),
  parameter("timezone", "IANA time zone of the periods, and of dates that name none; UTC when absent."),
  parameter("granularity", "How long a period is; daily when absent.", oneOf(...granularities)),
  list("metrics", "All but those of machines when absent.", oneOf(...knownMetrics)),
  list(
    "dimensions",
    "What to break down by; not `email` with `broadcast`, and `provider` or `tag` with `period` alone. An email counts by its first ten tags, once for each name.",
    oneOf(...knownDimensions),
  ),
  list("domain_id", "Only of these sending domains, 100 at most."),
  list("email_id", "Only of these emails, 100 at most; not with broadcasts."),
  list("broadcast_id", "Only of these broadcasts, 100 at most; not with emails."),
  parameter(
    "tag",
    "Only of emails with this tag, `name` or `name:value`; not with domains, emails or broadcasts.",
  ),
];

/** How sending goes, from counters. */
export const metricsRoutes = (app: App) =>
  new Elysia({ prefix: "/emails" }).use(authenticated(app, "full_access")).get(
    "/metrics",
    async ({ caller, request }) => {
      const query = readMetricsRequest(request.url);
      const { start, end, totals, rows } = await getMetrics(app, caller.teamId, query);
      return {
        object: "metrics" as const,
        start_date: start.toISOString(),
        end_date: end.toISOString(),
        metrics: query.metrics,
        dimensions: query.dimensions,
        granularity: query.granularity,
        totals,
        ...(rows && { data: rows.map(toRow) }),
      };
    },
    {
      detail: {
        summary: "Get metrics of emails",
        tags: ["Emails"],
        parameters,
        responses: {
          200: answer("Totals, and a row for each part that was asked for", metricsAnswer),
          ...errorAnswers,
        },
      },
    },
  );

function toRow({ period, domain, emailId, broadcast, provider, tag, values }: MetricsRow) {
  return {
    ...(period !== undefined && { period }),
    ...(domain !== undefined && { domain_id: domain?.id ?? null, domain_name: domain?.name ?? null }),
    ...(emailId !== undefined && { email_id: emailId }),
    ...(broadcast !== undefined && { broadcast_id: broadcast.id, broadcast_name: broadcast.name }),
    ...(provider !== undefined && { provider }),
    ...(tag !== undefined && { tag_name: tag.name, tag_value: tag.value }),
    ...values,
  };
}
