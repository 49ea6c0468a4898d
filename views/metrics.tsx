/** @jsxImportSource preact */
import type { Dimension, Granularity, Metric } from "../src/metrics/names.ts";
import type { Metrics, MetricsRow, Others, Top } from "../src/metrics/read.ts";
import { Chart } from "./parts/chart.tsx";
import { Checkbox, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { type Charted, pointOf, pointsOf, seriesOf } from "./parts/period.tsx";

type Part = Exclude<Dimension, "period">;

/** What one may break metrics down by: all that can be combined, but for periods, which go with each. */
export const breakdowns: readonly { id: string; name: string; dimensions: readonly Part[] }[] = [
  { id: "", name: "Nothing", dimensions: [] },
  { id: "domain", name: "Sending domain", dimensions: ["domain"] },
  { id: "provider", name: "Recipients’ provider", dimensions: ["provider"] },
  { id: "broadcast", name: "Broadcast", dimensions: ["broadcast"] },
  { id: "domain,broadcast", name: "Domain and broadcast", dimensions: ["domain", "broadcast"] },
  { id: "tag", name: "Tag", dimensions: ["tag"] },
  { id: "email", name: "Email", dimensions: ["email"] },
  { id: "domain,email", name: "Domain and email", dimensions: ["domain", "email"] },
];

export interface MetricsPageProps {
  asked: {
    range: string;
    granularity: Granularity;
    /** One of the breakdowns. */
    by: string;
    /** Whether each period has rows of its own. */
    isByPeriod: boolean;
    /** Of these alone; of all when empty. */
    domainIds: readonly string[];
    emailIds: readonly string[];
    broadcastIds: readonly string[];
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
  /** Where a breakdown was asked for. */
  parts?: (Top & { subjects: ReadonlyMap<string, string> }) | undefined;
  mistakes: Partial<Record<Field, string>>;
  /** Whether less of the time is shown than was asked for. */
  isCut?: boolean;
}

type Field = "start_date" | "end_date" | "timezone" | "domain_id" | "email_id" | "broadcast_id" | "form";

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
        {parts && <Parts parts={parts} asked={asked} />}
        {props.isCut && (
          <p class="quiet">By the hour the last two weeks are shown. The CSV file has all of the time.</p>
        )}
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
            label="Until"
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
        options={breakdowns.map(({ id, name }) => [id, name] as const)}
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
      <Checkbox
        name="by_period"
        value="1"
        label={`By ${stepNames[asked.granularity].toLowerCase()} as well`}
        checked={asked.isByPeriod}
      />
      <button type="submit">Show</button>
      <Only asked={asked} domains={domains} mistakes={mistakes} />
    </form>
  );
}

/** What the metrics are of, where that is not everything. */
function Only({ asked, domains, mistakes }: Pick<MetricsPageProps, "asked" | "domains" | "mistakes">) {
  const { domainIds, emailIds, broadcastIds } = asked;
  const chosen = [
    domainIds.length > 0 && counted(domainIds.length, "domain"),
    emailIds.length > 0 && counted(emailIds.length, "email"),
    broadcastIds.length > 0 && counted(broadcastIds.length, "broadcast"),
  ].filter((each) => each !== false);
  return (
    <details open={chosen.length > 0}>
      <summary>
        {chosen.length > 0 ? `Only of ${chosen.join(" and ")}` : "Only of some domains, emails or broadcasts"}
      </summary>
      <div>
        <TextField
          name="email_id"
          label="Emails"
          value={emailIds.join(", ")}
          placeholder="Ids, with commas"
          hint="A search among Emails gives the ids of what it finds."
          mistake={mistakes.email_id}
          autocomplete="off"
          spellcheck={false}
        />
        <TextField
          name="broadcast_id"
          label="Broadcasts"
          value={broadcastIds.join(", ")}
          placeholder="Ids, with commas"
          mistake={mistakes.broadcast_id}
          autocomplete="off"
          spellcheck={false}
        />
        <fieldset>
          <legend>Domains</legend>
          {domains.map(([id, name]) => (
            <Checkbox
              id={`domain-${id}`}
              name="domain_id"
              value={id}
              label={name}
              checked={domainIds.includes(id)}
            />
          ))}
          {mistakes.domain_id && <p class="mistake">{mistakes.domain_id}</p>}
        </fieldset>
      </div>
    </details>
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
/** Every metric of the table. */
export const partMetrics: readonly Metric[] = columns.map(([metric]) => metric);

const partNames = {
  ...{ domain: "Domain", provider: "Provider", broadcast: "Broadcast", tag: "Tag", email: "Email" },
} as const;
const none: Record<Part, string> = {
  domain: "Nothing was sent in this time.",
  provider:
    "Nothing came to an end at a large provider in this time: smaller ones stand in the totals alone.",
  broadcast: "No broadcast was sent in this time.",
  tag: "Nothing came of emails with tags in this time.",
  email: "Nothing came of emails in this time.",
};

function Parts({ parts, asked }: { parts: NonNullable<MetricsPageProps["parts"]> } & AskedProps) {
  const dimensions = breakdowns.find(({ id }) => id === asked.by)?.dimensions ?? [];
  const { rows, others, total } = parts;
  const step = stepNames[asked.granularity];
  const heads = [...(asked.isByPeriod ? [step] : []), ...dimensions.map((each) => partNames[each])];
  const title = `By ${heads.map((head) => head.toLowerCase()).join(" and ")}`;
  if (rows.length === 0) {
    return (
      <section>
        <h2>{title}</h2>
        <p class="quiet">{none[dimensions.at(-1) ?? "domain"]}</p>
      </section>
    );
  }
  return (
    <section>
      <h2>{title}</h2>
      <Table
        label={title}
        columns={[...heads, ...columns.map(([, name]) => ({ name, isNumber: true }) as const)]}
      >
        {rows.map((row) => (
          <tr>
            {asked.isByPeriod && <th scope="row">{pointOf(row.period!, asked.granularity).name}</th>}
            {dimensions.map((dimension) => (
              <th scope="row">{partOf(row, dimension, asked, parts.subjects)}</th>
            ))}
            <Numbers values={row.values} />
          </tr>
        ))}
        {others.map((each) => (
          <tr class="quiet">
            <th scope="row" colspan={heads.length}>
              <OthersName others={each} asked={asked} />
            </th>
            <Numbers values={each.values} />
          </tr>
        ))}
      </Table>
      {total !== rows.length && (
        <p class="quiet">
          {asked.isByPeriod
            ? `The newest ${rows.length} rows.`
            : `Those with the most mail, ${rows.length} of ${number(total ?? 0)}.`}{" "}
          The CSV file has all of them.
        </p>
      )}
    </section>
  );
}

type AskedProps = Pick<MetricsPageProps, "asked">;

const Numbers = ({ values }: Pick<MetricsRow, "values">) => (
  <>
    {columns.map(([metric]) => (
      <td class="number">{written(metric, values[metric])}</td>
    ))}
  </>
);

function OthersName({ others: { rows, tagName }, asked }: { others: Others } & AskedProps) {
  if (tagName === undefined) return counted(rows, "other");
  const text = `${tagName}: ${counted(rows, "other")}`;
  // Of one name alone there is nothing more to see.
  return asked.tag === tagName ? text : <a href={hrefOf({ by: "tag", tag: tagName }, asked)}>{text}</a>;
}

function partOf(
  { domain, emailId, provider, broadcast, tag }: MetricsRow,
  dimension: Part,
  asked: MetricsPageProps["asked"],
  subjects: ReadonlyMap<string, string>,
) {
  if (broadcast && dimension === "broadcast") {
    if (broadcast.name === null) return "A broadcast that is gone";
    return <a href={`/admin/broadcasts/${broadcast.id}`}>{broadcast.name}</a>;
  }
  if (emailId && dimension === "email") {
    const subject = subjects.get(emailId);
    if (subject === undefined) return "An email that is gone";
    return <a href={`/admin/emails/${emailId}`}>{subject || "(no subject)"}</a>;
  }
  if (tag && dimension === "tag") {
    return <a href={hrefOf({ tag: `${tag.name}:${tag.value}` }, asked)}>{`${tag.name}: ${tag.value}`}</a>;
  }
  if (dimension === "provider") return provider;
  return domain ? (domain.name ?? "A domain that was removed") : "Of no domain";
}

/** The same time of one tag, or of one name of tags. */
function hrefOf(
  of: Record<string, string>,
  { range, start, end, granularity, timezone }: MetricsPageProps["asked"],
): string {
  const search = new URLSearchParams({ range, granularity, timezone, ...of });
  if (range === "custom") {
    search.set("start_date", start);
    search.set("end_date", end);
  }
  return `/admin/metrics?${search}`;
}

const written = (metric: Metric, value = 0) =>
  metric.endsWith("_rate") ? `${number(value)} %` : number(value);
