import { stringify } from "csv-stringify/sync";
import { Elysia } from "elysia";
import { h } from "preact";
import { MetricsPage, type MetricsPageProps } from "../../views/metrics.tsx";
import type { App } from "../app.ts";
import { guardFormula } from "../csv/formula.ts";
import { listDomains } from "../domains/service.ts";
import { Refusal } from "../errors.ts";
import { isId } from "../ids.ts";
import { type Dimension, type Granularity, granularities, knownMetrics } from "../metrics/names.ts";
import { isTimezone } from "../metrics/range.ts";
import { getMetrics, type Metrics, type MetricsQuery, type MetricsRow, readTag } from "../metrics/read.ts";
import { mistakesOf, signedIn, type Visit } from "./visit.ts";

type Query = Record<string, string | undefined>;

/** How sending went, by time and by domain, provider, broadcast or tag; the numbers as a file as well. */
export const metricsPages = (app: App) =>
  new Elysia({ prefix: "/metrics" })
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const asked = readAsked(query, app.now());
      const domains = (await listDomains(app, visit.teamId, { limit: 200 })).map(
        ({ id, name }) => [id, name] as const,
      );
      const page = { asked, domains, search: new URL(visit.request.url).search };
      try {
        const [periods, parts] = await Promise.all([
          metricsOf(app, visit, asked, ["period"]),
          asked.by === "" ? undefined : metricsOf(app, visit, asked, [asked.by]),
        ]);
        return show(visit, { ...page, periods, parts, mistakes: {} });
      } catch (error) {
        const mistakes = mistakesOf(error, ["start_date", "end_date", "timezone", "domain_id"]);
        return show(visit, { ...page, mistakes }, 422);
      }
    })
    .get("/csv", async ({ visit, query }) => {
      const asked = readAsked(query, app.now());
      const by: Dimension[] = asked.by === "" ? ["period"] : ["period", asked.by];
      const { rows = [] } = await metricsOf(app, visit, asked, by);
      return new Response(toCsv(rows), {
        headers: {
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="metrics-${asked.granularity}.csv"`,
          "cache-control": "private, no-store",
        },
      });
    });

const show = (visit: Visit, props: MetricsPageProps, status?: number) =>
  visit.page({ title: "Metrics", place: "metrics", status }, h(MetricsPage, props));

/** How long each range is, and the parts it is best seen in. */
const ranges: Record<string, { hours: number; granularity: Granularity }> = {
  "24h": { hours: 24, granularity: "hourly" },
  "7d": { hours: 7 * 24, granularity: "daily" },
  "30d": { hours: 30 * 24, granularity: "daily" },
  "90d": { hours: 90 * 24, granularity: "weekly" },
  "12mo": { hours: 365 * 24, granularity: "monthly" },
};

/** A form of ours never asks for anything else; what an address asks for beside it is not there. */
function readAsked(query: Query, now: Date): MetricsPageProps["asked"] {
  const {
    range = "30d",
    by = "",
    domain_id: domainId = "",
    tag = "",
    start_date: start = "",
    end_date: end = "",
  } = query;
  const isCustom = range === "custom";
  const isKnown = Object.hasOwn(ranges, range);
  const known = ranges[isKnown ? range : "30d"]!;
  const zone = query.timezone?.trim() || "UTC";
  return {
    range: isCustom || isKnown ? range : "30d",
    granularity: granularities.find((each) => each === query.granularity) ?? known.granularity,
    by: (["domain", "provider", "broadcast", "tag"] as const).find((each) => each === by) ?? "",
    domainId,
    tag: tag.trim(),
    timezone: zone,
    start: isCustom ? start.trim() : beginOf(known.hours, known.granularity, zone, now),
    end: isCustom ? end.trim() : "",
  };
}

/** The first whole hour or day of a range that ends now, in the zone whose days are told apart. */
function beginOf(hours: number, granularity: Granularity, zone: string, now: Date): string {
  const start = new Date(now.getTime() - (hours - (granularity === "hourly" ? 1 : 24)) * 3_600_000);
  if (granularity === "hourly") return `${start.toISOString().slice(0, 13)}:00:00Z`;
  if (!isTimezone(zone)) return start.toISOString().slice(0, 10);
  return Temporal.Instant.fromEpochMilliseconds(start.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toString();
}

async function metricsOf(
  app: App,
  { teamId }: Visit,
  asked: MetricsPageProps["asked"],
  dimensions: Dimension[],
): Promise<Metrics> {
  const { start, end, timezone, granularity, domainId, tag } = asked;
  if (!isTimezone(timezone)) {
    throw new Refusal(
      "validation_error",
      "Invalid `timezone`. It must be the name of an IANA time zone, such as `Europe/Berlin`.",
    );
  }
  if (domainId !== "" && !isId(domainId)) {
    throw new Refusal("validation_error", "Invalid `domain_id`. Choose one of the domains.");
  }
  const query: MetricsQuery = {
    ...(start !== "" && { startDate: start }),
    ...(end !== "" && { endDate: nextDay(end) }),
    ...{ timezone, granularity, dimensions, metrics: [...knownMetrics] },
    ...{ domainIds: domainId === "" ? [] : [domainId.toLowerCase()], emailIds: [], broadcastIds: [] },
    ...(tag !== "" && { tag: readTag(tag) }),
  };
  return getMetrics(app, teamId, query);
}

/** People mean the last day to be counted in; what is no day is refused as it was written. */
function nextDay(text: string): string {
  try {
    return Temporal.PlainDate.from(text).add({ days: 1 }).toString();
  } catch {
    return text;
  }
}

function toCsv(rows: readonly MetricsRow[]): string {
  const places = ["period", "domain", "provider", "broadcast", "tag"].filter(
    (place) => rows[0] && place in rows[0],
  );
  const head = [...places, ...knownMetrics];
  const lines = rows.map(({ values, ...place }) => [
    ...places.map((name) => guardFormula(nameOf(place[name as keyof typeof place]))),
    ...knownMetrics.map((metric) => String(values[metric] ?? 0)),
  ]);
  return stringify([head, ...lines], { record_delimiter: "\r\n" });
}

function nameOf(place: MetricsRow["domain"] | MetricsRow["tag"] | string): string {
  if (typeof place === "string") return place;
  if (place && "value" in place) return `${place.name}:${place.value}`;
  return place ? (place.name ?? place.id) : "";
}
