/** @jsxImportSource preact */
import type { Granularity, Metric } from "../../src/metrics/names.ts";
import type { MetricsRow } from "../../src/metrics/read.ts";
import type { Tone } from "./badge.tsx";
import type { Point, Series } from "./chart.tsx";

/** What is drawn of each row: a metric, its name, its colour. */
export type Charted = readonly (readonly [metric: Metric, name: string, tone: Tone])[];

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const wholeDay = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const month = new Intl.DateTimeFormat("en-GB", { month: "short", year: "2-digit", timeZone: "UTC" });
const wholeMonth = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

/** The periods of metrics, as a chart names them: days and hours are those of the zone that was asked for. */
export function pointsOf(rows: readonly MetricsRow[], step: Granularity): Point[] {
  const points = rows.map(({ period = "" }) => pointOf(period, step));
  // Of the hours of many days an hour says little.
  if (step !== "hourly" || rows.length <= 48) return points;
  return points.map((point, at) => ({ ...point, label: pointOf(rows[at]!.period ?? "", "daily").label }));
}

export function pointOf(period: string, step: Granularity): Point {
  // `2026-07-01` or `2026-07-01T14:00:00+02:00`: what it says is what is shown, whatever this machine's zone.
  const date = new Date(`${period.slice(0, 10)}T00:00:00Z`);
  if (step === "hourly") {
    const hour = period.slice(11, 16);
    return { label: hour, name: `${wholeDay.format(date)}, ${hour}` };
  }
  if (step === "monthly") return { label: month.format(date), name: wholeMonth.format(date) };
  return {
    label: day.format(date),
    name: step === "weekly" ? `Week of ${wholeDay.format(date)}` : wholeDay.format(date),
  };
}

export function seriesOf(rows: readonly MetricsRow[], charted: Charted): Series[] {
  return charted.map(([metric, name, tone]) => ({
    ...{ name, tone },
    values: rows.map(({ values }) => values[metric] ?? 0),
  }));
}
