import { Type } from "@sinclair/typebox";
import { Elysia, t } from "elysia";
import type { App } from "../app.ts";
import type { Connections } from "../client-address.ts";
import { getLately, type Lately } from "../metrics/lately.ts";
import type { Metric } from "../metrics/names.ts";
import { authenticatedIf } from "./auth.ts";
import { answer, errorAnswers } from "./openapi.ts";

const counts = ["sent", "delivered", "bounced", "failed", "opened", "clicked", "complained"] as const;
const rates = ["delivery_rate", "open_rate", "bounce_rate"] as const;
const metrics: Metric[] = [...counts, ...rates];

const periods: Record<string, Pick<Lately, "hours" | "granularity">> = {
  "24h": { hours: 24, granularity: "hourly" },
  "7d": { hours: 7 * 24, granularity: "daily" },
  "30d": { hours: 30 * 24, granularity: "daily" },
};

const numbers = <Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, Type.Number()])) as Record<
    Name,
    ReturnType<typeof Type.Number>
  >;
const time = Type.String({ format: "date-time" });
const periodAnswer = Type.Object({
  period: Type.String({ enum: Object.keys(periods) }),
  ...{ from: time, to: time },
  totals: Type.Object({ ...numbers(counts), ...numbers(rates) }),
  data: Type.Array(
    Type.Object({
      date: Type.String({ description: "`15:04`, or `Jan 2`; of UTC.", examples: ["Mar 1"] }),
      ...numbers(counts),
    }),
  ),
});
const lines = { "text/plain": { schema: Type.String(), example: "mailit_emails_accepted_total 12" } };
const told = answer("A team's, or the server's as lines", periodAnswer);

/** A key's or a person's token, as `authenticated` takes them: nothing else has such a form. */
const teamsBearer = /^Bearer +(re_\S+|[\w-]+\.[\w-]+\.[\w-]+) *$/i;

const isAsked = (request: Request): boolean =>
  /[?&]period=/.test(request.url) && teamsBearer.test(request.headers.get("authorization") ?? "");

/**
 * A team's metrics as the original MailIt told them, which stand where a Prometheus server looks for this server's: who
 * asks for no period, or with no key, gets those from `scrape`.
 */
export const periodMetricsRoutes = (
  app: App,
  scrape: (request: Request, server: Connections | null) => Promise<Response>,
) =>
  new Elysia()
    .use(authenticatedIf(app, "full_access", isAsked))
    .get(
      "/metrics",
      async ({ caller, query, request, server }) =>
        caller ? inPeriod(app, caller.teamId, query.period) : scrape(request, server),
      {
        query: t.Object(
          { period: t.Optional(t.String({ description: "`24h`, `7d` or `30d`; anything else is `7d`." })) },
          { additionalProperties: true },
        ),
        detail: {
          summary: "Metrics of the server for Prometheus, or of a team's last days",
          description:
            "With `period` and the token of a key or a login: what the team has sent, as the original MailIt told it; `GET /emails/metrics` tells more. Otherwise those of the server, as text, for who has `metrics.token`, or for this machine while there is none.",
          tags: ["Health"],
          security: [{ bearer: [] }, {}],
          responses: { 200: { ...told, content: { ...told.content, ...lines } }, ...errorAnswers },
        },
      },
    );

async function inPeriod(app: App, teamId: string, asked: string | undefined) {
  const period = asked !== undefined && Object.hasOwn(periods, asked) ? asked : "7d";
  const { hours, granularity } = periods[period]!;
  const { start, end, totals, rows = [] } = await getLately(app, teamId, { hours, granularity, metrics });
  return {
    period,
    ...{ from: start.toISOString(), to: end.toISOString(), totals },
    data: rows.map((row) => ({
      date: granularity === "hourly" ? row.period!.slice(11, 16) : dayFormat.format(new Date(row.period!)),
      ...Object.fromEntries(counts.map((name) => [name, row.values[name]])),
    })),
  };
}

const dayFormat = new Intl.DateTimeFormat("en-US", { month: "short", day: "numeric", timeZone: "UTC" });
