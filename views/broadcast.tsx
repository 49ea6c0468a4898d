/** @jsxImportSource preact */
import type { Progress } from "../src/broadcasts/read.ts";
import type { Broadcast } from "../src/broadcasts/schema.ts";
import type { ListedBroadcast } from "../src/broadcasts/store.ts";
import {
  BroadcastFacts,
  BroadcastPreview,
  type BroadcastPreviewProps,
  DuplicateButton,
  RateField,
} from "./broadcast-draft.tsx";
import { ActForm, Acting } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake } from "./parts/form.tsx";
import { number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { PreviewPane } from "./parts/preview.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface HeadProps {
  csrf: string;
  broadcast: ListedBroadcast;
  now: Date;
  /** What happened before is not kept any more; undefined where all is. */
  eventsSince: Date | undefined;
}

/** Tabs of what is made of events, and so of those that are kept. */
const madeOfEvents = new Set(["recipients", "links"]);

const tabs = [
  { id: "results", name: "Results", path: "" },
  { id: "recipients", name: "Recipients", path: "/recipients" },
  { id: "links", name: "Clicked links", path: "/links" },
  { id: "content", name: "Message", path: "/content" },
] as const;

/** What is above each part of a broadcast. */
export function BroadcastHead({
  csrf,
  broadcast,
  now,
  eventsSince,
  tab,
}: HeadProps & { tab: (typeof tabs)[number]["id"] }) {
  const path = `/admin/broadcasts/${broadcast.id}`;
  return (
    <>
      <PageHead
        title={broadcast.name}
        up={{ path: "/admin/broadcasts", name: "Broadcasts" }}
        lead={<BroadcastState broadcast={broadcast} now={now} />}
      >
        <a class="button" href={metricsOf(broadcast)}>
          Metrics
        </a>
        <DuplicateButton csrf={csrf} path={path} />
        <BroadcastActs csrf={csrf} broadcast={broadcast} />
      </PageHead>
      <nav aria-label="Parts">
        <ul class="tabs">
          {tabs.map(({ id, name, path: part }) => (
            <li>
              <a href={`${path}${part}`} aria-current={id === tab ? "page" : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {madeOfEvents.has(tab) && eventsSince && broadcast.startedAt && broadcast.startedAt < eventsSince && (
        <p class="warning">
          What happened before <Time at={eventsSince} isShort /> is not kept any more (
          <code>retention.events</code>), and so not in these lists. The results still count it.
        </p>
      )}
    </>
  );
}

/** How it went by time, since the day it began. */
function metricsOf({ id, startedAt, createdAt }: ListedBroadcast): string {
  const start = (startedAt ?? createdAt).toISOString().slice(0, 10);
  return `/admin/metrics?${new URLSearchParams({ range: "custom", start_date: start, broadcast_id: id })}`;
}

/** Live: where it is now. */
export function BroadcastState({ broadcast, now }: Pick<HeadProps, "broadcast" | "now">) {
  const { status, scheduledAt, sentAt, startedAt } = broadcast;
  return (
    <span id="broadcast-state">
      <State name={status} />{" "}
      {status === "scheduled" && scheduledAt ? (
        <>
          for <Time at={scheduledAt} isShort />, <Ago at={scheduledAt} now={now} />
        </>
      ) : sentAt ? (
        <Time at={sentAt} isShort />
      ) : startedAt ? (
        <>
          begun <Time at={startedAt} isShort />
        </>
      ) : null}
    </span>
  );
}

/** Live: what can be done with it now. */
export function BroadcastActs({
  csrf,
  broadcast: { id, status, name },
}: Pick<HeadProps, "csrf" | "broadcast">) {
  const path = `/admin/broadcasts/${id}`;
  return (
    <span id="broadcast-acts" class="acts">
      {status === "sending" && (
        <ActForm csrf={csrf} action={`${path}/pause`}>
          <button type="submit" class="primary">
            Pause
          </button>
        </ActForm>
      )}
      {status === "paused" && (
        <>
          <Confirm
            id="cancel"
            csrf={csrf}
            action={`${path}/cancel`}
            label="End it here"
            title={`End ${name} here?`}
            act="End the broadcast"
          >
            <p>
              Whoever has not been sent it never will be; what has gone out is out. This can't be taken back.
            </p>
          </Confirm>
          <ActForm csrf={csrf} action={`${path}/resume`}>
            <button type="submit" class="primary">
              Resume
            </button>
          </ActForm>
        </>
      )}
      {(status === "scheduled" || status === "queued") && (
        <Confirm
          id="cancel"
          csrf={csrf}
          action={`${path}/cancel`}
          label="Cancel"
          title={`Cancel ${name}?`}
          act="Cancel the broadcast"
        >
          <p>It is a draft again: it can be changed, and sent another time.</p>
        </Confirm>
      )}
    </span>
  );
}

export interface ResultsProps extends HeadProps {
  progress: Progress;
  /** All its recipients are found: their number is final. */
  isFound: boolean;
  /** When its last recipient has their turn, where that is known. */
  expectedEnd: Date | null;
  segment: string;
  topic: string | null;
  rate: Pick<RateProps, "isOnItsWay" | "given">;
}

export function ResultsPage(props: ResultsProps) {
  const { csrf, broadcast, segment, topic, rate } = props;
  return (
    <>
      <BroadcastHead {...props} tab="results" />
      <BroadcastProgress {...props} />
      <BroadcastRate csrf={csrf} broadcast={broadcast} {...rate} />
      <section class="card">
        <h2>What it is</h2>
        <BroadcastFacts {...{ broadcast, segment, topic }} />
      </section>
    </>
  );
}

interface RateProps extends Pick<HeadProps, "csrf" | "broadcast"> {
  isOnItsWay: boolean;
  /** What was typed for another rate, where that is wrong. */
  given?: { value: string; mistakes: Partial<Record<"messages_per_minute" | "form", string>> } | undefined;
}

/** Live: its rate, as long as that can be changed. */
export function BroadcastRate({ csrf, broadcast, isOnItsWay, given }: RateProps) {
  const { id, ratePerMinute } = broadcast;
  return (
    <div id="broadcast-rate">
      {isOnItsWay && (
        <Acting>
          <section class="card">
            <h2>Slower or faster</h2>
            <Form csrf={csrf} action={`/admin/broadcasts/${id}/rate`}>
              <FormMistake>{given?.mistakes.form}</FormMistake>
              <RateField
                value={given?.value ?? ratePerMinute?.toString() ?? ""}
                mistake={given?.mistakes.messages_per_minute}
              />
              <button type="submit">Change the rate</button>
            </Form>
          </section>
        </Acting>
      )}
    </div>
  );
}

const share = (part: number, whole: number) =>
  whole === 0 || part === 0 ? "" : `${((part / whole) * 100).toFixed(part === whole ? 0 : 1)} %`;

/** Live: how far it is. */
export function BroadcastProgress({
  broadcast,
  progress,
  isFound,
  expectedEnd,
  now,
}: Pick<ResultsProps, "broadcast" | "progress" | "isFound" | "expectedEnd" | "now">) {
  const { recipients, delivered, bounced, failed, suppressed, complained, unsubscribed } = progress;
  const settled = delivered + bounced + failed + suppressed;
  const rest = Math.max(0, recipients - settled);
  const handed = recipients - suppressed;
  const stats: [name: string, count: number, share?: string][] = [
    ["Recipients", recipients],
    ["Delivered", delivered, share(delivered, handed)],
    ["Bounced", bounced, share(bounced, handed)],
    ["Opened", progress.opened, share(progress.opened, delivered)],
    ["Clicked", progress.clicked, share(progress.clicked, delivered)],
    ["Unsubscribed", unsubscribed, share(unsubscribed, delivered)],
    ["Complained", complained, share(complained, delivered)],
    ["Failed", failed],
  ];
  return (
    <div id="broadcast-progress">
      <section class="card" aria-label="Progress">
        <p>
          {sentenceOf(broadcast, { isFound, settled, rest, recipients })}
          {expectedEnd && (
            <>
              {" "}
              At this rate the last one goes <Ago at={expectedEnd} now={now} />,{" "}
              <Time at={expectedEnd} isShort />.
            </>
          )}
        </p>
        {isFound ? (
          <progress
            aria-label="Recipients it has been settled for"
            max={Math.max(1, recipients)}
            value={broadcast.status === "sent" ? Math.max(1, recipients) : settled}
          />
        ) : (
          broadcast.startedAt && <progress aria-label="Recipients are being found" />
        )}
      </section>
      {broadcast.startedAt && (
        <dl class="stats in-fours">
          {stats.map(([name, count, part]) => (
            <div class="stat">
              <dt>{name}</dt>
              <dd>
                {number(count)}
                {part && <span class="quiet share"> {part}</span>}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {progress.skippedUnsubscribed + suppressed > 0 && (
        <p class="quiet">
          Skipped: {number(progress.skippedUnsubscribed)} who want no such mail, {number(suppressed)} with a
          suppressed address.
        </p>
      )}
    </div>
  );
}

function sentenceOf(
  { status }: Pick<Broadcast, "status">,
  {
    isFound,
    settled,
    rest,
    recipients,
  }: { isFound: boolean } & Record<"settled" | "rest" | "recipients", number>,
): string {
  switch (status) {
    case "scheduled":
      return "It waits for its time. Who gets it is settled when it begins.";
    case "queued":
      return "It is about to begin.";
    case "sending":
      return isFound
        ? `${number(settled)} of ${number(recipients)} are settled; ${number(rest)} to go.`
        : `Finding its recipients: ${number(recipients)} so far, ${number(settled)} of them settled.`;
    case "paused":
      return `Paused: ${number(settled)} of ${number(recipients)} are settled; ${number(rest)} wait.`;
    case "canceled":
      return `Ended early: ${number(rest)} of ${number(recipients)} were not sent it.`;
    default:
      return rest > 0
        ? `Sent. ${number(rest)} of ${number(recipients)} are still being tried, because their hosts have put them off.`
        : `Sent: all ${number(recipients)} are settled.`;
  }
}

export function ContentPage(props: HeadProps & { preview: BroadcastPreviewProps; frame: string }) {
  const { broadcast, preview, frame } = props;
  return (
    <>
      <BroadcastHead {...props} tab="content" />
      <PreviewPane action={`/admin/broadcasts/${broadcast.id}`} frame={frame} isLive={false}>
        <BroadcastPreview {...preview} />
      </PreviewPane>
    </>
  );
}
