/** @jsxImportSource preact */
import type { Granularity, Metric } from "../src/metrics/names.ts";
import type { Metrics, MetricsRow } from "../src/metrics/read.ts";
import { Chart } from "./parts/chart.tsx";
import { FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { type Charted, pointsOf, seriesOf } from "./parts/period.tsx";

type Part = "domain" | "provider" | "broadcast" | "tag";

export interface MetricsPageProps {
  asked: {
    range: string;
    granularity: Granularity;
    by: "" | Part;
    domainId: string;
    /** A name, or `name:value`. */
    tag: string;
    timezone: string;
    /** As the service is asked: a day or a moment. */
    start: string;
    /** The last day; empty: until now. */
    end: string;
  };
  domains: readonly (readonly [id: string, name: string])[];
  /** What was asked, for the file of the same numbers. */
  search: string;
  /** Absent where they were refused. */
  periods?: Metrics;
  /** By domain, provider, broadcast or tag, where that was asked. */
  parts?: Metrics | undefined;
  mistakes: Partial<Record<"start_date" | "end_date" | "timezone" | "domain_id" | "form", string>>;
}

export function MetricsPage(props: MetricsPageProps) {
  const { periods, parts, asked, search } = props;
  return (
    <>
      <PageHead
        title="Metrics"
        lead="How sending went, counted as it happened. Opens and clicks of people and of machines are told apart."
      >
        {periods && (
          <a class="button" href={`/admin/metrics/csv${search}`} download>
            Download CSV
          </a>
        )}
      </PageHead>
      <Filters {...props} />
      <div id="metrics">
        <FormMistake>{props.mistakes.form}</FormMistake>
        {periods && <Totals totals={periods.totals} />}
        {parts && asked.by !== "" && <Parts by={asked.by} parts={parts} asked={asked} />}
        {periods && <Charts periods={periods} step={asked.granularity} zone={asked.timezone} />}
      </div>
    </>
  );
}

function Filters({ asked, domains, mistakes }: MetricsPageProps) {
  const isCustom = asked.range === "custom";
  return (
    <form
      method="get"
      action="/admin/metrics"
      class="filters many"
      hx-get="/admin/metrics"
      hx-trigger="change"
      hx-target="#main"
      hx-select="#main"
      hx-swap="outerMorph"
      hx-replace-url="true"
    >
      <SelectField
        name="range"
        label="Time"
        value={asked.range}
        options={[
          ["24h", "24 hours"],
          ["7d", "7 days"],
          ["30d", "30 days"],
          ["90d", "90 days"],
          ["12mo", "12 months"],
          ["custom", "From … to …"],
        ]}
      />
      {isCustom && (
        <>
          <TextField
            name="start_date"
            label="From"
            type="date"
            value={asked.start}
            mistake={mistakes.start_date}
          />
          <TextField
            name="end_date"
            label="To, with that day"
            type="date"
            value={asked.end}
            mistake={mistakes.end_date}
          />
        </>
      )}
      <SelectField
        name="granularity"
        label="Each"
        value={asked.granularity}
        options={[
          ["hourly", "Hour"],
          ["daily", "Day"],
          ["weekly", "Week"],
          ["monthly", "Month"],
        ]}
      />
      <SelectField
        name="by"
        label="Broken down by"
        value={asked.by}
        options={[
          ["", "Nothing"],
          ["domain", "Sending domain"],
          ["provider", "Recipients’ provider"],
          ["broadcast", "Broadcast"],
          ["tag", "Tag"],
        ]}
      />
      <SelectField
        name="domain_id"
        label="Domain"
        value={asked.domainId}
        options={[["", "All domains"], ...domains]}
        mistake={mistakes.domain_id}
      />
      <TextField
        name="tag"
        label="Tag"
        value={asked.tag}
        placeholder="name:value"
        autocomplete="off"
        spellcheck={false}
      />
      <TextField
        name="timezone"
        label="Time zone"
        value={asked.timezone}
        mistake={mistakes.timezone}
        autocomplete="off"
        spellcheck={false}
      />
      <button type="submit">Show</button>
    </form>
  );
}

const totalled: readonly (readonly [Metric, string])[] = [
  ["sent", "Sent"],
  ["delivery_rate", "Delivery rate"],
  ["bounce_rate", "Bounce rate"],
  ["complaint_rate", "Complaint rate"],
  ["open_rate", "Open rate"],
  ["click_rate", "Click rate"],
  ["unsubscribe_rate", "Unsubscribe rate"],
  ["received", "Received"],
];

function Totals({ totals }: Pick<Metrics, "totals">) {
  return (
    <dl class="stats small">
      {totalled.map(([metric, name]) => (
        <div class="stat">
          <dt>{name}</dt>
          <dd>{written(metric, totals[metric])}</dd>
        </div>
      ))}
    </dl>
  );
}

const outcomes: Charted = [
  ["delivered", "Delivered", "good"],
  ["bounced", "Bounced", "bad"],
  ["failed", "Given up", "quiet"],
  ["suppressed", "Suppressed", "warn"],
];
const reactions: Charted = [
  ["unique_opened", "Opened by people", "good"],
  ["opened_machine", "Opened by machines", "quiet"],
  ["unique_clicked", "Clicked by people", "info"],
  ["clicked_machine", "Clicked by machines", "warn"],
];
const complaints: Charted = [
  ["bounce_rate", "Bounce rate", "bad"],
  ["complaint_rate", "Complaint rate", "warn"],
  ["unsubscribe_rate", "Unsubscribe rate", "quiet"],
];
const troubles: Charted = [
  ["delivery_delayed", "Delayed", "warn"],
  ["bounced_permanent", "Bounced for good", "bad"],
  ["bounced_transient", "Bounced for now", "info"],
  ["bounced_undetermined", "Bounced, nobody knows why", "quiet"],
  ["complained", "Complained", "bad"],
];

function Charts({ periods, step, zone }: { periods: Metrics; step: Granularity; zone: string }) {
  const rows = periods.rows ?? [];
  if (rows.length === 0) {
    return (
      <Empty icon="chart" title="No time to show">
        <p>The range is empty: let it end later than it begins.</p>
      </Empty>
    );
  }
  const points = pointsOf(rows, step);
  const of = `${stepNames[step]}, ${zone}`;
  const draw = (charted: Charted) => ({ of, points, series: seriesOf(rows, charted) });
  return (
    <>
      <Chart id="outcomes" title="Outcomes" kind="bars" {...draw(outcomes)} />
      <Chart id="reactions" title="Opens and clicks" kind="lines" {...draw(reactions)} />
      <div class="columns">
        <Chart id="rates" title="Rates to keep low" kind="lines" unit="%" {...draw(complaints)} />
        <Chart id="troubles" title="Trouble" kind="bars" {...draw(troubles)} />
      </div>
    </>
  );
}

const stepNames = { hourly: "Hour", daily: "Day", weekly: "Week", monthly: "Month" } as const;

const columns: readonly (readonly [Metric, string])[] = [
  ["sent", "Sent"],
  ["delivered", "Delivered"],
  ["delivery_rate", "Delivered %"],
  ["bounced", "Bounced"],
  ["bounce_rate", "Bounced %"],
  ["complained", "Complained"],
  ["complaint_rate", "Complained %"],
  ["unique_opened", "Opened"],
  ["unique_clicked", "Clicked"],
  ["opened_machine", "Machine opens"],
  ["unsubscribed", "Unsubscribed"],
];

const partNames = { domain: "Domain", provider: "Provider", broadcast: "Broadcast", tag: "Tag" } as const;
const none = {
  domain: "Nothing was sent in this time.",
  provider:
    "Nothing came to an end at a large provider in this time: smaller ones stand in the totals alone.",
  broadcast: "No broadcast was sent in this time.",
  tag: "Nothing came of emails with tags in this time.",
} as const;

const mostParts = 200;

function Parts({ by, parts, asked }: { by: Part; parts: Metrics } & Pick<MetricsPageProps, "asked">) {
  const all = (parts.rows ?? []).toSorted((a, b) => (b.values.sent ?? 0) - (a.values.sent ?? 0));
  const rows = all.slice(0, mostParts);
  const title = `By ${partNames[by].toLowerCase()}`;
  return (
    <section>
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p class="quiet">{none[by]}</p>
      ) : (
        <Table
          label={title}
          columns={[partNames[by], ...columns.map(([, name]) => ({ name, isNumber: true }) as const)]}
        >
          {rows.map((row) => (
            <tr>
              <th scope="row">{partOf(row, asked)}</th>
              {columns.map(([metric]) => (
                <td class="number">{written(metric, row.values[metric])}</td>
              ))}
            </tr>
          ))}
        </Table>
      )}
      {all.length > rows.length && (
        <p class="quiet">These are the {mostParts} with the most mail. The CSV file has all of them.</p>
      )}
    </section>
  );
}

function partOf({ domain, provider, broadcast, tag }: MetricsRow, asked: MetricsPageProps["asked"]) {
  if (broadcast) {
    if (broadcast.name === null) return "A broadcast that is gone";
    return <a href={`/admin/broadcasts/${broadcast.id}`}>{broadcast.name}</a>;
  }
  if (tag) return <a href={hrefOf(`${tag.name}:${tag.value}`, asked)}>{`${tag.name}: ${tag.value}`}</a>;
  if (domain) return domain.name ?? "A domain that was removed";
  return provider ?? "Of no domain";
}

/** The same time of the tag alone. */
function hrefOf(
  tag: string,
  { range, start, end, granularity, timezone }: MetricsPageProps["asked"],
): string {
  const search = new URLSearchParams({ range, granularity, timezone, tag });
  if (range === "custom") {
    search.set("start_date", start);
    search.set("end_date", end);
  }
  return `/admin/metrics?${search}`;
}

const written = (metric: Metric, value = 0) =>
  metric.endsWith("_rate") ? `${number(value)} %` : number(value);
