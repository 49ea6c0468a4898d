/** @jsxImportSource preact */
import type { LaneReport } from "../src/delivery/lanes.ts";
import type { Queued } from "../src/delivery/queue.ts";
import type { QueueRequest } from "../src/delivery/queue-request.ts";
import type { QueueCount } from "../src/delivery/queue-walk.ts";
import { recipientPath } from "./broadcast-recipient.tsx";
import { Badge, State, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Sentence } from "./parts/time.tsx";

export interface QueueState {
  csrf: string;
  now: Date;
  /** Of all sending. */
  pause: { reason: string; createdAt: Date } | undefined;
  /** Lanes are all teams', and so the operator's alone. */
  isOperator: boolean;
  lanes: LaneReport[];
  /** The lane this page begins behind. */
  after: string | undefined;
  /** The lane the next page begins behind. */
  next: string | undefined;
}

export function QueuePage(props: QueueState) {
  return (
    <>
      <PageHead
        title="Queue"
        lead="What waits to be delivered, and what holds it up. A lane is what goes to one set of mail servers."
      />
      <SendingSwitch {...props} />
      {props.isOperator && <LanesTable {...props} />}
      <section class="card">
        <h2>Choose deliveries</h2>
        <p class="quiet">
          Count the deliveries of your team that wait, see them, and then try them now, hold, bounce or cancel
          them. Nothing is changed before you have seen how many.
        </p>
        <SelectionForm asked={{}} reason="" mistakes={{}} />
      </section>
    </>
  );
}

/** Whether anything is sent at all. */
export function SendingSwitch({ csrf, now, pause, isOperator }: QueueState) {
  return (
    <section id="sending" class="card">
      {pause ? (
        <>
          <h2>
            <Badge tone="warn">paused</Badge> Nothing is sent
          </h2>
          <p>
            All sending is paused since <Ago at={pause.createdAt} now={now} />: {pause.reason}. Emails are
            still accepted, and wait.
          </p>
          {isOperator && (
            <Form csrf={csrf} action="/admin/queue/sending/resume">
              <button type="submit" class="primary">
                Resume sending
              </button>
            </Form>
          )}
        </>
      ) : (
        <>
          <h2>
            <Badge tone="good">active</Badge> Mail is being sent
          </h2>
          {isOperator ? (
            <details>
              <summary>Pause all sending</summary>
              <p class="quiet">
                For every team of this server, over restarts too. Emails are still accepted; what is under way
                is finished.
              </p>
              <Form csrf={csrf} action="/admin/queue/sending/pause">
                <TextField
                  name="reason"
                  id="pause-reason"
                  label="Reason"
                  maxLength={500}
                  hint="For whoever wonders why nothing is sent."
                />
                <button type="submit" class="danger">
                  Pause all sending
                </button>
              </Form>
            </details>
          ) : (
            <p class="quiet">Only the operator’s team, the first one made, may pause it.</p>
          )}
        </>
      )}
    </section>
  );
}

export function LanesTable({ csrf, now, lanes, after, next }: QueueState) {
  return (
    <section id="lanes">
      <h2>Lanes</h2>
      {lanes.length === 0 ? (
        <Empty icon="queue" title={after ? "No lane after this one" : "Nothing waits"}>
          <p>
            {after ? (
              <a href="/admin/queue">Back to the first lanes</a>
            ) : (
              "Mail goes out as it comes. A lane is shown here while something waits in it, or while it is blocked."
            )}
          </p>
        </Empty>
      ) : (
        <Table
          label="Lanes"
          columns={[
            "Lane",
            { name: "Waiting", isNumber: true },
            { name: "Due", isNumber: true },
            { name: "Under way", isNumber: true },
            "What limits it",
            "Next",
            "",
          ]}
        >
          {lanes.map((lane, n) => (
            <Lane lane={lane} n={n} now={now} csrf={csrf} />
          ))}
        </Table>
      )}
      {(after || next) && (
        <p class="row">
          {after && <a href="/admin/queue">First lanes</a>}
          {next && <a href={`/admin/queue?${new URLSearchParams({ after: next })}`}>Next lanes</a>}
        </p>
      )}
    </section>
  );
}

function Lane({ lane, n, now, csrf }: { lane: LaneReport; n: number; now: Date; csrf: string }) {
  const { lane: name, waiting, due, busy, status, nextAt, blockedUntil, isPaused } = lane;
  const isBlocked = isPaused || blockedUntil !== null;
  const tone: Tone = isPaused ? "warn" : blockedUntil ? "bad" : busy > 0 ? "good" : "quiet";
  const word = isPaused ? "paused" : blockedUntil ? "blocked" : busy > 0 ? "sending" : "waiting";
  return (
    <tr>
      <td>
        <a href={`/admin/queue/selection?${new URLSearchParams({ lane: name })}`}>{name}</a>
      </td>
      <td class="number">{capped(waiting)}</td>
      <td class="number">{capped(due)}</td>
      <td class="number">{busy}</td>
      <td class="reason">
        <Badge tone={tone}>{word}</Badge> <Sentence text={status} />
      </td>
      <td class="quiet">{nextAt ? <Ago at={nextAt} now={now} /> : "–"}</td>
      <td class="act">
        {isBlocked ? (
          <Confirm
            id={`open-${n}`}
            csrf={csrf}
            action="/admin/queue/lanes/resume"
            fields={{ lane: name }}
            label={isPaused ? "Resume" : "Open"}
            title={`Open the lane ${name}?`}
            act="Open the lane"
            isDestructive={false}
          >
            <p>
              {isPaused
                ? "What waits in it goes on now."
                : "It was blocked by itself, to spare the other side. What waits goes on now, and may be blocked again."}
            </p>
          </Confirm>
        ) : (
          <Confirm
            id={`pause-${n}`}
            csrf={csrf}
            action="/admin/queue/lanes/pause"
            fields={{ lane: name, reason: "paused in the admin" }}
            label="Pause"
            title={`Pause the lane ${name}?`}
            act="Pause the lane"
            isDestructive={false}
          >
            <p>What waits in it, and what comes into it later, stays until somebody resumes it.</p>
          </Confirm>
        )}
      </td>
    </tr>
  );
}

/** Counting ends at 1,000 a lane. */
const capped = (n: number) => (n >= 1_000 ? "1,000+" : String(n));

type Field = keyof QueueRequest;
type Asked = Partial<Record<Field, string>>;
type Mistakes = Partial<Record<Field | "form", string>>;

function SelectionForm({ asked, reason, mistakes }: { asked: Asked; reason: string; mistakes: Mistakes }) {
  return (
    <form method="get" action="/admin/queue/selection" class="stack wide">
      <FormMistake>{mistakes.form}</FormMistake>
      <div class="fields">
        {asked.delivery_id !== undefined && (
          <TextField
            name="delivery_id"
            label="Delivery"
            value={asked.delivery_id}
            mistake={mistakes.delivery_id}
          />
        )}
        <TextField
          name="domain"
          label="Recipients’ domain"
          value={asked.domain}
          mistake={mistakes.domain}
          placeholder="example.com"
        />
        <TextField name="lane" label="Lane" value={asked.lane} mistake={mistakes.lane} />
        <SelectField
          name="state"
          label="State"
          value={asked.state ?? ""}
          mistake={mistakes.state}
          options={[
            ["", "Any"],
            ["queued", "Queued: its turn comes"],
            ["deferred", "Deferred: tried, and tried again later"],
            ["scheduled", "Scheduled: its time has not come"],
            ["held", "Held by somebody"],
          ]}
        />
        <TextField
          name="tag"
          label="Tag"
          value={asked.tag}
          mistake={mistakes.tag}
          placeholder="name or name:value"
        />
        <TextField
          name="older_than"
          label="Older than"
          value={asked.older_than}
          mistake={mistakes.older_than}
          placeholder="2h, 3d"
        />
        <TextField
          name="newer_than"
          label="Newer than"
          value={asked.newer_than}
          mistake={mistakes.newer_than}
          placeholder="30m"
        />
      </div>
      <TextField
        name="reason"
        label="Reason"
        maxLength={500}
        value={reason}
        hint="Why you hold, bounce or cancel them, for whoever looks at it later. May be empty."
      />
      <button type="submit" class="primary">
        Count them
      </button>
    </form>
  );
}

export interface SelectionProps {
  csrf: string;
  asked: Asked;
  reason: string;
  /** Absent where what was asked was refused. */
  count: QueueCount | undefined;
  /** The first of them. */
  waiting: Queued[];
  mistakes: Mistakes;
  now: Date;
}

export function SelectionPage(props: SelectionProps) {
  const { asked, reason, count, mistakes } = props;
  return (
    <>
      <PageHead
        title={count ? deliveries(count.count) : "Choose deliveries"}
        lead={count && describe(count)}
        up={{ path: "/admin/queue", name: "Queue" }}
      >
        {count && count.count > 0 && <Acts {...props} count={count} />}
      </PageHead>
      {count && <WaitingTable {...props} count={count} />}
      <section class="card">
        <h2>Choose others</h2>
        <SelectionForm asked={asked} reason={reason} mistakes={mistakes} />
      </section>
    </>
  );
}

function Acts({ csrf, asked, reason, count }: SelectionProps & { count: QueueCount }) {
  const all = deliveries(count.count);
  const fields = {
    ...asked,
    ...(reason && { reason }),
    ...(Object.keys(asked).length === 0 && { all: "on" }),
    expected_count: String(count.count),
  };
  const common = { csrf, action: "/admin/queue/act" };
  return (
    <>
      <Confirm
        {...common}
        id="retry"
        fields={{ ...fields, act: "retry" }}
        label="Try now"
        title={`Try ${all} now?`}
        act="Try now"
        isDestructive={false}
      >
        <p>
          What waits for its next try is due at once. Scheduled and held ones stay, unless you chose that
          state.
        </p>
      </Confirm>
      {count.held < count.count && (
        <Confirm
          {...common}
          id="hold"
          fields={{ ...fields, act: "hold" }}
          label="Hold"
          title={`Hold ${all}?`}
          act={`Hold ${all}`}
          isDestructive={false}
        >
          <p>They wait until somebody resumes them. What comes later is not held.</p>
        </Confirm>
      )}
      {count.held > 0 && (
        <Confirm
          {...common}
          id="resume"
          fields={{ ...fields, act: "resume" }}
          label="Resume"
          title={`Resume ${deliveries(count.held)}?`}
          act={`Resume ${deliveries(count.held)}`}
          isDestructive={false}
        >
          <p>What is held goes on: at once, or at the time its email is scheduled for.</p>
        </Confirm>
      )}
      <Confirm
        {...common}
        id="bounce"
        fields={{ ...fields, act: "bounce" }}
        label="Bounce"
        title={`Bounce ${all}?`}
        act={`Bounce ${all}`}
      >
        <p>They end as bounced, and webhooks are told. No address is suppressed. This can't be taken back.</p>
      </Confirm>
      <Confirm
        {...common}
        id="cancel"
        fields={{ ...fields, act: "cancel" }}
        label="Cancel"
        title={`Cancel ${all}?`}
        act={`Cancel ${all}`}
      >
        <p>They are never sent, as if nobody had asked for them. This can't be taken back.</p>
      </Confirm>
    </>
  );
}

function WaitingTable({ waiting, count, now }: SelectionProps & { count: QueueCount }) {
  if (waiting.length === 0) {
    return (
      <Empty icon="queue" title="Nothing waits that is so">
        <p>Change what you look for below.</p>
      </Empty>
    );
  }
  return (
    <>
      <Table label="Deliveries that wait" columns={["Recipient", "Email", "State", "Lane", "Due"]}>
        {waiting.map(({ id, emailId, broadcastId, recipient, subject, state, isBusy, lane, runAt }) => (
          <tr>
            <td class="long address">{recipient}</td>
            <td class="long">
              <a href={broadcastId ? recipientPath(broadcastId, id) : `/admin/emails/${emailId}`}>
                {subject || "(no subject)"}
              </a>
            </td>
            <td>{isBusy ? <Badge tone="good">under way</Badge> : <State name={state} />}</td>
            <td class="quiet">{lane}</td>
            <td class="quiet">{state === "held" ? "when resumed" : <Ago at={runAt} now={now} />}</td>
          </tr>
        ))}
      </Table>
      {count.count > waiting.length && (
        <p class="quiet">
          The first {waiting.length} of {number(count.count)}.
        </p>
      )}
    </>
  );
}

const deliveries = (n: number) => counted(n, "delivery", "deliveries");

function describe(count: QueueCount): string {
  const parts = (["queued", "deferred", "scheduled", "held"] as const)
    .filter((state) => count[state] > 0)
    .map((state) => `${number(count[state])} ${state}`);
  if (count.busy > 0) parts.push(`${number(count.busy)} of them under way`);
  return parts.length === 0 ? "Nothing waits that is so." : `${parts.join(", ")}.`;
}
