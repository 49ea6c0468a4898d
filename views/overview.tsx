/** @jsxImportSource preact */
import type { Overview, ServerState } from "../src/metrics/overview.ts";
import type { Problem } from "../src/metrics/problems.ts";
import type { Metrics } from "../src/metrics/read.ts";
import { recipientPath } from "./broadcast-recipient.tsx";
import { Badge, State, type Tone } from "./parts/badge.tsx";
import { Chart } from "./parts/chart.tsx";
import { Icon } from "./parts/icon.tsx";
import { Table } from "./parts/list.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { pointsOf, seriesOf } from "./parts/period.tsx";
import { Ago } from "./parts/time.tsx";

/** Where a sender's trouble with large receivers begins, in percent. */
const worstBounceRate = 2;
const worstComplaintRate = 0.1;

export interface OverviewProps extends Overview {
  isSandbox: boolean;
}

export function OverviewPage(props: OverviewProps) {
  return (
    <>
      <PageHead title="Overview" lead="What was sent in the last 24 hours, and whether all is well." />
      <FirstSteps {...props} />
      <Day {...props} />
      <Rates {...props} />
      <div class="columns">
        <Queue {...props} />
        <Health {...props} />
      </div>
      <DayChart {...props} />
      <MonthChart {...props} />
      <Problems {...props} />
    </>
  );
}

/** Each live piece of the page, by its element. */
export const overviewPieces = (props: OverviewProps) => ({
  "first-steps": <FirstSteps {...props} />,
  day: <Day {...props} />,
  rates: <Rates {...props} />,
  queue: <Queue {...props} />,
  health: <Health {...props} />,
  "day-chart": <DayChart {...props} />,
  "month-chart": <MonthChart {...props} />,
  problems: <Problems {...props} />,
});

function FirstSteps({ steps, isSandbox }: OverviewProps) {
  const { domain, verified, key, email } = steps;
  if (email && verified) return <section id="first-steps" hidden />;
  return (
    <section id="first-steps" class="card">
      <h2>{email ? "Nearly there" : "Send your first email"}</h2>
      <ol class="to-do">
        <Step isDone={domain} title="Add a domain" href="/admin/domains">
          Mail is sent from addresses at a domain of yours.
        </Step>
        <Step isDone={verified} title="Verify it" href="/admin/domains">
          {isSandbox
            ? "In the sandbox a click does; elsewhere its DNS must have the records the page shows."
            : "Publish the records that its page shows, and press Verify."}
        </Step>
        <Step isDone={key} title="Make an API key" href="/admin/api-keys#new">
          What a program shows to send, and its password for SMTP.
        </Step>
        <Step isDone={email} title="Send an email" href="/admin/docs">
          The documentation has the lines to copy, in seven languages.
        </Step>
      </ol>
    </section>
  );
}

function Step({
  isDone,
  title,
  href,
  children,
}: {
  isDone: boolean;
  title: string;
  href: string;
  children: string;
}) {
  return (
    <li class={isDone ? "done" : ""}>
      <span class="mark">{isDone && <Icon name="check" />}</span>
      <div>
        <strong>{isDone ? title : <a href={href}>{title}</a>}</strong>
        {isDone && <span class="unseen"> (done)</span>}
        {!isDone && <p class="quiet">{children}</p>}
      </div>
    </li>
  );
}

const outcomes = [
  ["sent", "Sent"],
  ["delivered", "Delivered"],
  ["delivery_delayed", "Delayed"],
  ["bounced", "Bounced"],
  ["failed", "Given up"],
  ["complained", "Complained"],
  ["suppressed", "Suppressed"],
  ["unique_opened", "Opened"],
  ["unique_clicked", "Clicked"],
] as const;

function Day({ day }: OverviewProps) {
  return (
    <section id="day" aria-label="The last 24 hours">
      <dl class="stats small">
        {outcomes.map(([metric, name]) => (
          <div class="stat">
            <dt>{name}</dt>
            <dd>{number(day.totals[metric] ?? 0)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Rates({ day: { totals } }: OverviewProps) {
  const { sent = 0, delivered = 0, delivery_rate, bounce_rate, complaint_rate, open_rate } = totals;
  return (
    <section id="rates" aria-label="Rates of the last 24 hours">
      <dl class="stats">
        <Rate name="Delivery rate" rate={delivery_rate} of={sent}>
          <span class="quiet">of what came to an end</span>
        </Rate>
        <Rate name="Bounce rate" rate={bounce_rate} of={sent}>
          <Limit rate={bounce_rate} worst={worstBounceRate} />
        </Rate>
        <Rate name="Complaint rate" rate={complaint_rate} of={delivered}>
          <Limit rate={complaint_rate} worst={worstComplaintRate} />
        </Rate>
        <Rate name="Open rate" rate={open_rate} of={delivered}>
          <span class="quiet">by people, without machines</span>
        </Rate>
      </dl>
    </section>
  );
}

function Rate({
  name,
  rate = 0,
  of,
  children,
}: {
  name: string;
  rate: number | undefined;
  of: number;
  children: preact.ComponentChildren;
}) {
  return (
    <div class="stat">
      <dt>{name}</dt>
      <dd>{of === 0 ? "–" : `${rate} %`}</dd>
      <dd class="note">{of === 0 ? <span class="quiet">nothing to measure yet</span> : children}</dd>
    </div>
  );
}

/** What large receivers put up with. */
function Limit({ rate = 0, worst }: { rate: number | undefined; worst: number }) {
  return rate < worst ? (
    <Badge tone="good">{`good: below ${worst} %`}</Badge>
  ) : (
    <Badge tone="bad">{`too high: keep it below ${worst} %`}</Badge>
  );
}

function Queue({ server, pause, now }: OverviewProps) {
  return (
    <section id="queue" class="card">
      <h2>Queue</h2>
      {pause && (
        <p>
          <Badge tone="warn">paused</Badge> All sending is paused since <Ago at={pause.createdAt} now={now} />
          : {pause.reason}. Emails are still accepted.
        </p>
      )}
      {server ? (
        <dl class="facts">
          <dt>Due now</dt>
          <dd class="number">{depth(server.queue.due)}</dd>
          <dt>Waiting for later</dt>
          <dd class="number">{depth(server.queue.later)}</dd>
          <dt>Under way</dt>
          <dd class="number">{number(server.busy)}</dd>
          <dt>Longest due</dt>
          <dd>
            {server.queue.oldestDueAt ? (
              <>
                since <Ago at={server.queue.oldestDueAt} now={now} />
              </>
            ) : (
              "nothing waits for its turn"
            )}
          </dd>
        </dl>
      ) : (
        !pause && <p>Mail is being sent.</p>
      )}
      <p>
        <a href="/admin/queue">See the queue</a>
      </p>
    </section>
  );
}

function Health({ domains, webhooks, server }: OverviewProps) {
  const lines = healthLines(domains, webhooks, server);
  return (
    <section id="health" class="card">
      <h2>Health</h2>
      <ul class="health">
        {lines.map(({ tone, word, text, href }) => (
          <li>
            <Badge tone={tone}>{word}</Badge> {href ? <a href={href}>{text}</a> : text}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface HealthLine {
  tone: Tone;
  word: string;
  text: string;
  href?: string;
}

/** Only what is known; what is well is said too, so that its absence is seen. */
function healthLines(
  domains: Overview["domains"],
  webhooks: Overview["webhooks"],
  server: ServerState | undefined,
): HealthLine[] {
  const lines: HealthLine[] = [];
  const unverified = domains.filter(({ verifiedAt }) => verifiedAt === null);
  for (const { id, name } of unverified.slice(0, 5)) {
    const href = `/admin/domains/${id}`;
    lines.push({ tone: "warn", word: "domain", text: `${name} is not verified: it can't send yet`, href });
  }
  if (unverified.length > 5) {
    const text = `and ${unverified.length - 5} more are not verified`;
    lines.push({ tone: "warn", word: "domain", text, href: "/admin/domains" });
  }
  if (domains.length > 0 && unverified.length === 0) {
    lines.push({ tone: "good", word: "ok", text: "Every domain is verified" });
  }
  for (const { id, endpoint, status, disabledReason, failingSince } of webhooks) {
    const href = `/admin/webhooks/${id}`;
    if (status === "disabled") {
      const why = disabledReason ? `: ${disabledReason}` : "";
      lines.push({ tone: "bad", word: "webhook", text: `${endpoint} is disabled${why}`, href });
    } else if (failingSince) {
      lines.push({ tone: "warn", word: "webhook", text: `${endpoint} answers with failures`, href });
    }
  }
  const isWell = webhooks.every(({ status, failingSince }) => status === "enabled" && !failingSince);
  if (webhooks.length > 0 && isWell) {
    lines.push({ tone: "good", word: "ok", text: "Every webhook answers" });
  }
  if (server) lines.push(...machineLines(server));
  if (lines.length === 0) lines.push({ tone: "quiet", word: "none", text: "Nothing is set up yet" });
  return lines;
}

function machineLines({ disk, threads }: ServerState): HealthLine[] {
  const lines: HealthLine[] = [
    {
      tone: "good",
      word: "ok",
      text: workersOf(threads),
    },
  ];
  if (disk) {
    const share = disk.freeBytes / disk.totalBytes;
    const isLow = share < 0.1 || disk.freeBytes < 1e9;
    const text = `${gigabytes(disk.freeBytes)} free of ${gigabytes(disk.totalBytes)} on the disk with the data`;
    lines.push({ tone: isLow ? "bad" : "good", word: isLow ? "disk" : "ok", text });
  }
  return lines;
}

function workersOf({ threads, tasks }: ServerState["threads"]): string {
  if (threads === 0) return "Message workers start with the first message";
  const workers = counted(threads, "message worker");
  return tasks === 0 ? `${workers}, at rest` : `${workers}, with ${tasks} to do`;
}

const charted = [
  ["delivered", "Delivered", "good"],
  ["bounced", "Bounced", "bad"],
  ["failed", "Given up", "quiet"],
  ["suppressed", "Suppressed", "warn"],
] as const;

const DayChart = ({ day }: OverviewProps) => (
  <OutcomeChart
    id="day-chart"
    title="By hour (UTC), the last 24 hours"
    of="Hour, UTC"
    metrics={day}
    step="hourly"
  />
);
const MonthChart = ({ month }: OverviewProps) => (
  <OutcomeChart
    id="month-chart"
    title="By day (UTC), the last 30 days"
    of="Day, UTC"
    metrics={month}
    step="daily"
  />
);

function OutcomeChart({
  metrics,
  step,
  ...chart
}: {
  id: string;
  title: string;
  of: string;
  metrics: Metrics;
  step: "hourly" | "daily";
}) {
  const rows = metrics.rows ?? [];
  return <Chart {...chart} kind="bars" points={pointsOf(rows, step)} series={seriesOf(rows, charted)} />;
}

function Problems({ problems, now }: OverviewProps) {
  return (
    <section id="problems">
      <h2>Recent problems</h2>
      {problems.length === 0 ? (
        <p class="quiet">Nothing bounced, and nobody complained, in the last 24 hours.</p>
      ) : (
        <Table label="Recent problems" columns={["What", "Email", "Recipient", "Reason", "When"]}>
          {problems.map((problem) => (
            <tr>
              <td>
                <State name={problem.kind} />
              </td>
              <td class="long">
                <a href={pathOf(problem)}>{problem.subject || "(no subject)"}</a>
              </td>
              <td class="long">
                <Recipients {...problem} />
              </td>
              <td class="reason">{problem.reason ?? reasons[problem.kind]}</td>
              <td class="quiet">
                <Ago at={problem.at} now={now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

const reasons = {
  bounced: "The host's reply is not kept any more.",
  failed: "No host took it in time.",
  complained: "Marked as spam by the recipient.",
} as const;

/** Of a broadcast, where the recipients are whom it happened to. */
function pathOf({ kind, emailId, broadcastId }: Problem): string {
  if (broadcastId === null) return `/admin/emails/${emailId}`;
  return kind === "failed"
    ? `/admin/broadcasts/${broadcastId}/recipients`
    : `/admin/broadcasts/${broadcastId}/recipients?type=${kind}`;
}

function Recipients({ recipients: [first], total, broadcastId, deliveryId }: Problem) {
  if (first === undefined) return counted(total, "recipient");
  return (
    <>
      {broadcastId && deliveryId ? <a href={recipientPath(broadcastId, deliveryId)}>{first}</a> : first}
      {total > 1 && <span class="quiet"> and {number(total - 1)} more</span>}
    </>
  );
}

/** Counting ends at 10,000 of a kind. */
const depth = (n: number) => (n >= 10_000 ? "more than 10,000" : number(n));
const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
