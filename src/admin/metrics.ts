import { stringify } from "csv-stringify/sync";
import { Elysia } from "elysia";
import { h } from "preact";
import { breakdowns, MetricsPage, type MetricsPageProps, partMetrics } from "../../views/metrics.tsx";
import type { App } from "../app.ts";
import { guardFormula } from "../csv/formula.ts";
import { listDomains } from "../domains/service.ts";
import { getSubjects } from "../emails/read.ts";
import { Refusal } from "../errors.ts";
import { readIds, readList, readTag, readTimezone } from "../metrics/asked.ts";
import { type Dimension, type Granularity, granularities, knownMetrics } from "../metrics/names.ts";
import { hourMs } from "../metrics/periods.ts";
import { isTimezone, readRange } from "../metrics/range.ts";
import { getMetrics, listMetrics, listTop, type MetricsQuery, type MetricsRow } from "../metrics/read.ts";
import { mistakesOf, type PageWords } from "./mistakes.ts";
import { dayAfter } from "./moment.ts";
import { signedIn, type Visit } from "./visit.ts";

type Asked = MetricsPageProps["asked"];

/** How sending went, by time and by domain, provider, broadcast, email or tag; the numbers as a file as well. */
export const metricsPages = (app: App) =>
  new Elysia({ prefix: "/metrics" })
    .use(signedIn(app))
    .get("", async ({ visit }) => {
      const { search, searchParams } = new URL(visit.request.url);
      const asked = readAsked(searchParams, app.now());
      const domains = (await listDomains(app, visit.teamId, { limit: 200 })).map(
        ({ id, name }) => [id, name] as const,
      );
      const page = { asked, domains, search };
      try {
        const whole = queryOf(asked);
        const query = cut(whole, app.now());
        const [periods, parts] = await Promise.all([
          getMetrics(app, visit.teamId, { ...query, dimensions: ["period"] }),
          query.dimensions.length === 0 ? undefined : partsOf(app, visit, query),
        ]);
        return show(visit, { ...page, periods, parts, isCut: query !== whole, mistakes: {} });
      } catch (error) {
        const mistakes = mistakesOf(error, isOfBreakdown(error) ? [] : fields, words);
        return show(visit, { ...page, mistakes }, 422);
      }
    })
    .get("/csv", async ({ visit }) => {
      const asked = readAsked(new URL(visit.request.url).searchParams, app.now());
      const query = queryOf({ ...asked, isByPeriod: true });
      const rows = await listMetrics(app, visit.teamId, query);
      return new Response(toCsv(query.dimensions, rows), {
        headers: {
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="metrics-${asked.granularity}.csv"`,
          "cache-control": "private, no-store",
        },
      });
    });

/** More hours than these are neither told apart in a chart nor drawn in no time. */
const mostHours = 14 * 24;

/** What the page shows of what is asked for: by the hour its last two weeks. The file has all. */
function cut(query: MetricsQuery, now: Date): MetricsQuery {
  if (query.granularity !== "hourly") return query;
  const { start, end } = readRange(query, now);
  const from = Math.floor(end.getTime() / hourMs - mostHours) * hourMs;
  return start.getTime() < from ? { ...query, startDate: new Date(from).toISOString() } : query;
}

const show = (visit: Visit, props: MetricsPageProps, status?: number) =>
  visit.page({ title: "Metrics", place: "metrics", status }, h(MetricsPage, props));

const fields = ["start_date", "end_date", "timezone", "domain_id", "email_id", "broadcast_id"] as const;

/** What can't be asked for together is wrong in none of the fields that it names. */
const isOfBreakdown = (error: unknown) => error instanceof Refusal && / dimension/.test(error.message);

/** What the page calls what can't be asked for together, or is too much. */
const words: PageWords = [
  [/, which is \S+ here/, ""],
  [/`(\w+)` dimension/g, "breakdown by $1"],
  [/`period`/, "periods"],
  [/`(domain|email|broadcast)_id`/g, "chosen $1s"],
  [/`tag` parameter/, "chosen tag"],
  [/`start_date` and `end_date`/, "a shorter time"],
  [/`end_date`/, "last day"],
  [/`tag`/, "a tag"],
  [/by fewer dimensions/, "a simpler breakdown"],
  [/a coarser `granularity`/, "longer periods"],
];

/** How long each range is, and the parts it is best seen in. */
const ranges: Record<string, { hours: number; granularity: Granularity }> = {
  "24h": { hours: 24, granularity: "hourly" },
  "7d": { hours: 7 * 24, granularity: "daily" },
  "30d": { hours: 30 * 24, granularity: "daily" },
  "90d": { hours: 90 * 24, granularity: "weekly" },
  "12mo": { hours: 365 * 24, granularity: "monthly" },
};

/** A form of ours never asks for anything else; what an address asks for beside it is not there. */
function readAsked(search: URLSearchParams, now: Date): Asked {
  const one = (name: string) => search.get(name)?.trim() ?? "";
  // People also paste ids from lines and columns.
  const ids = (name: string) => readList(search.getAll(name).map((text) => text.replace(/\s+/g, ",")));
  const range = one("range");
  const isCustom = range === "custom";
  const isKnown = Object.hasOwn(ranges, range);
  const known = ranges[isKnown ? range : "30d"]!;
  const timezone = one("timezone") || "UTC";
  return {
    range: isCustom || isKnown ? range : "30d",
    granularity: granularities.find((each) => each === one("granularity")) ?? known.granularity,
    by: breakdowns.find(({ id }) => id === one("by"))?.id ?? "",
    isByPeriod: search.has("by_period"),
    domainIds: ids("domain_id"),
    emailIds: ids("email_id"),
    broadcastIds: ids("broadcast_id"),
    ...{ tag: one("tag"), timezone },
    start: isCustom ? one("start_date") : beginOf(known.hours, known.granularity, timezone, now),
    end: isCustom ? one("end_date") : "",
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

/** What is asked of the service; its dimensions are those of the table. */
function queryOf(asked: Asked): MetricsQuery {
  const { start, end, granularity, by, isByPeriod, tag } = asked;
  return {
    ...(start !== "" && { startDate: start }),
    ...(end !== "" && { endDate: dayAfter(end) }),
    ...{ timezone: readTimezone(asked.timezone), granularity, metrics: [...knownMetrics] },
    dimensions: [
      ...(isByPeriod ? (["period"] as const) : []),
      ...(breakdowns.find(({ id }) => id === by)?.dimensions ?? []),
    ],
    domainIds: readIds("domain_id", asked.domainIds),
    emailIds: readIds("email_id", asked.emailIds),
    broadcastIds: readIds("broadcast_id", asked.broadcastIds),
    ...(tag !== "" && { tag: readTag(tag) }),
  };
}

/** Rows of the table that a person reads; the file has all. Of all tags it is a survey: each name has a page of its own. */
const mostParts = 100;
const mostTags = 25;

async function partsOf(app: App, { teamId }: Visit, query: MetricsQuery): Promise<MetricsPageProps["parts"]> {
  const isSurvey = query.dimensions.join() === "tag" && query.tag === undefined;
  const most = isSurvey ? mostTags : mostParts;
  const top = await listTop(app, teamId, { ...query, metrics: [...partMetrics] }, most);
  const emailIds = top.rows.flatMap(({ emailId }) => emailId ?? []);
  const subjects = emailIds.length > 0 ? await getSubjects(app, teamId, emailIds) : new Map();
  return { ...top, subjects };
}

function toCsv(dimensions: readonly Dimension[], rows: readonly MetricsRow[]): string {
  const lines = rows.map((row) => [
    ...dimensions.map((dimension) => guardFormula(placeOf(row, dimension))),
    ...knownMetrics.map((metric) => String(row.values[metric] ?? 0)),
  ]);
  return stringify([[...dimensions, ...knownMetrics], ...lines], { record_delimiter: "\r\n" });
}

/** What a row is called in a dimension. */
function placeOf({ domain, broadcast, tag, ...row }: MetricsRow, dimension: Dimension): string {
  if (dimension === "domain") return domain ? (domain.name ?? domain.id) : "";
  if (dimension === "broadcast") return broadcast ? (broadcast.name ?? broadcast.id) : "";
  if (dimension === "tag") return tag ? `${tag.name}:${tag.value}` : "";
  return (dimension === "email" ? row.emailId : row[dimension]) ?? "";
}
