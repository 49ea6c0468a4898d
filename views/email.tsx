/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ComponentChildren } from "preact";
import type { ExplainedDelivery } from "../src/delivery/read.ts";
import type { Attempt } from "../src/delivery/schema.ts";
import type { Email } from "../src/emails/schema.ts";
import type { Event } from "../src/events/schema.ts";
import { ActForm, Acting } from "./parts/acting.tsx";
import { Badge, State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { Empty } from "./parts/list.tsx";
import {
  Files,
  Headers,
  MailFrame,
  type MailFrameProps,
  MailText,
  Raw,
  type ShownFile,
  Tabs,
  Unavailable,
} from "./parts/message.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Time } from "./parts/time.tsx";

export type ShownEmail = Omit<Email, "merge">;

export interface EmailHeadProps {
  email: ShownEmail;
  csrf: string;
  /** Where it comes from; undefined where that is not there any more. */
  domain: { id: string; name: string } | undefined;
  apiKey: { name: string } | undefined;
  isFromTemplate: boolean;
  /** Of the tab that is shown. */
  current: string;
}

const pathOf = ({ id }: Pick<Email, "id">) => `/admin/emails/${id}`;

/** One email: what it is, then one of the ways to look at it. */
export function EmailPage({ children, ...head }: EmailHeadProps & { children?: ComponentChildren }) {
  const { email, csrf, current } = head;
  const path = pathOf(email);
  return (
    <>
      <PageHead title={email.subject.trim() || "(no subject)"} up={{ path: "/admin/emails", name: "Emails" }}>
        <Acts email={email} csrf={csrf} />
      </PageHead>
      <EmailFacts {...head} />
      <Tabs
        label="The email"
        current={current}
        tabs={[
          { path, name: "Timeline" },
          { path: `${path}/html`, name: "HTML" },
          { path: `${path}/text`, name: "Text" },
          { path: `${path}/headers`, name: "Headers" },
          { path: `${path}/raw`, name: "Raw" },
          { path: `${path}/attachments`, name: "Attachments" },
        ]}
      />
      {children}
    </>
  );
}

function Acts({ email, csrf }: Pick<EmailHeadProps, "email" | "csrf">) {
  const path = pathOf(email);
  const count = email.recipients.length + email.cc.length + email.bcc.length;
  return (
    <>
      {email.lastEvent === "scheduled" && (
        <>
          <Acting>
            <a class="button" href={`${path}/reschedule`}>
              Reschedule
            </a>
          </Acting>
          <Confirm
            id="cancel"
            csrf={csrf}
            action={`${path}/cancel`}
            label="Cancel"
            title="Cancel this email?"
            act="Cancel the email"
          >
            <p>It will not be sent to anybody. This can’t be taken back.</p>
          </Confirm>
        </>
      )}
      <Acting>
        <a class="button" href={`${path}/share`}>
          Share
        </a>
      </Acting>
      <Confirm
        id="resend"
        csrf={csrf}
        action={`${path}/resend`}
        label="Send again"
        title="Send this email again?"
        act="Send again"
        isDestructive={false}
      >
        <p>
          A new email with the same content goes to the same{" "}
          {count === 1 ? "recipient" : `${count} recipients`} at once.
        </p>
      </Confirm>
    </>
  );
}

/** Kept as it is now while the page is open. */
export function EmailState({ email }: { email: Pick<Email, "lastEvent"> }) {
  return (
    <span id="email-state">
      <State name={email.lastEvent} />
    </span>
  );
}

function EmailFacts({ email, domain, apiKey, isFromTemplate }: EmailHeadProps) {
  const { recipients, cc, bcc, replyTo, tags, scheduledAt, createdAt } = email;
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>
        <EmailState email={email} />
      </dd>
      <dt>From</dt>
      <dd>{email.sender}</dd>
      <Addresses name="To" list={recipients} />
      <Addresses name="Cc" list={cc} />
      <Addresses name="Bcc" list={bcc} />
      <Addresses name="Reply-To" list={replyTo} />
      <dt>Accepted</dt>
      <dd>
        <Time at={createdAt} />
        <Origin domain={domain} apiKey={apiKey} isFromTemplate={isFromTemplate} />
      </dd>
      {scheduledAt && (
        <>
          <dt>Scheduled for</dt>
          <dd>
            <Time at={scheduledAt} />
          </dd>
        </>
      )}
      {tags.length > 0 && (
        <>
          <dt>Tags</dt>
          <dd class="row">
            {tags.map(({ name, value }) => (
              <Badge tone="quiet">{value === "" ? name : `${name}: ${value}`}</Badge>
            ))}
          </dd>
        </>
      )}
      <dt>ID</dt>
      <dd>
        <Copyable text={email.id} label="the ID" />
      </dd>
      <dt>Message-ID</dt>
      <dd>
        <Copyable text={email.messageId} label="the Message-ID" />
      </dd>
    </dl>
  );
}

function Origin({
  domain,
  apiKey,
  isFromTemplate,
}: Pick<EmailHeadProps, "domain" | "apiKey" | "isFromTemplate">) {
  return (
    <span class="quiet">
      {domain && (
        <>
          {" for "}
          <a href={`/admin/domains/${domain.id}`}>{domain.name}</a>
        </>
      )}
      {apiKey && (
        <>
          {" with the key "}
          <a href="/admin/api-keys">{apiKey.name}</a>
        </>
      )}
      {isFromTemplate && ", made from a template"}
    </span>
  );
}

function Addresses({ name, list }: { name: string; list: string[] }) {
  if (list.length === 0) return null;
  const [shown, more] = [list.slice(0, 10), list.length - 10];
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {shown.join(", ")}
        {more > 0 && ` and ${more} more`}
      </dd>
    </>
  );
}

export interface TimelineProps {
  emailId: string;
  csrf: string;
  deliveries: ExplainedDelivery[];
  /** The cursor of the next deliveries. */
  next: string | undefined;
  /** Newest first; of all recipients. */
  events: Event[];
  /** The address of older ones. */
  olderEvents: string | undefined;
  /** What we said in a step. */
  commandOf(step: Attempt["steps"][number]): string | undefined;
}

/** What became of it, recipient by recipient. Kept as it is now while the page is open. */
export function Timeline(props: TimelineProps) {
  const { emailId, deliveries, next, events, olderEvents } = props;
  const byDelivery = Map.groupBy(events, ({ deliveryId }) => deliveryId);
  return (
    <div id="timeline">
      <Events events={byDelivery.get(null) ?? []} label="The email" />
      {deliveries.map((each) => (
        <DeliveryCard {...props} explained={each} events={byDelivery.get(each.delivery.id) ?? []} />
      ))}
      {olderEvents && (
        <p>
          <span class="quiet">More has happened than is shown here.</span>{" "}
          <a href={olderEvents}>Older events</a>
        </p>
      )}
      {next && (
        <p>
          <a class="button" href={`/admin/emails/${emailId}?after=${next}`}>
            More recipients
          </a>
        </p>
      )}
    </div>
  );
}

const waiting = new Set(["queued", "deferred"]);

function DeliveryCard({
  emailId,
  csrf,
  explained,
  events,
  commandOf,
}: TimelineProps & { explained: ExplainedDelivery }) {
  const { delivery, status, waitingFor, history } = explained;
  return (
    <section class="card delivery" aria-labelledby={`to-${delivery.id}`}>
      <div class="row">
        <h2 id={`to-${delivery.id}`}>{delivery.recipient}</h2>
        <State name={delivery.state} />
        <span class="stretch" />
        {waiting.has(delivery.state) && waitingFor && (
          <DeliveryActs {...{ emailId, csrf, delivery, limiter: waitingFor.limiter }} />
        )}
      </div>
      <p class="why">{status}</p>
      {delivery.nextAttemptAt && waiting.has(delivery.state) && (
        <p class="quiet">
          Next try: <Time at={delivery.nextAttemptAt} />
        </p>
      )}
      <Events events={events} label={`To ${delivery.recipient}`} />
      {history.length > 0 && <h3>Attempts</h3>}
      {history.map((attempt) => (
        <AttemptDetails attempt={attempt} commandOf={commandOf} />
      ))}
    </section>
  );
}

function DeliveryActs({
  emailId,
  csrf,
  delivery,
  limiter,
}: {
  emailId: string;
  csrf: string;
  delivery: ExplainedDelivery["delivery"];
  limiter: string;
}) {
  const action = `/admin/emails/${emailId}/deliveries/${delivery.id}`;
  return (
    <>
      {(limiter === "retry" || limiter === "hold") && (
        <ActForm csrf={csrf} action={`${action}/${limiter === "hold" ? "resume" : "retry"}`}>
          <button type="submit" class="small">
            {limiter === "hold" ? "Resume" : "Try now"}
          </button>
        </ActForm>
      )}
      {limiter !== "attempt" && limiter !== "schedule" && (
        <Confirm
          id={`bounce-${delivery.id}`}
          csrf={csrf}
          action={`${action}/bounce`}
          label="Give up"
          title={`Give up on ${delivery.recipient}?`}
          act="Bounce it"
          buttonClass="danger small"
        >
          <p>
            It is not tried again and counts as bounced. The address is not suppressed. This can’t be taken
            back.
          </p>
        </Confirm>
      )}
      {limiter !== "attempt" && (
        <Acting>
          <a class="button small" href={`/admin/queue/selection?delivery_id=${delivery.id}`}>
            More
            <span class="unseen"> to do with the delivery to {delivery.recipient}</span>
          </a>
        </Acting>
      )}
    </>
  );
}

function Events({ events, label }: { events: Event[]; label: string }) {
  // `email.sent` is another name of `email.delivered`, and recorded with it.
  const shown = events.filter(({ type }) => type !== "email.sent").toReversed();
  if (shown.length === 0) return null;
  return (
    <ol class="events" aria-label={label}>
      {shown.map((event) => (
        <EventLine event={event} />
      ))}
    </ol>
  );
}

const names: Partial<Record<Event["type"], string>> = {
  "email.queued": "Accepted",
  "email.scheduled": "Scheduled",
  "email.delivered": "Delivered",
  "email.delivery_delayed": "Delayed",
  "email.bounced": "Bounced",
  "email.failed": "Given up",
  "email.suppressed": "Not sent: suppressed",
  "email.complained": "Reported as spam",
  "email.opened": "Opened",
  "email.clicked": "Clicked",
  "email.canceled": "Canceled",
  "email.unsubscribed": "Unsubscribed",
};

const tones: Partial<Record<Event["type"], string>> = {
  "email.delivered": "good",
  "email.opened": "good",
  "email.clicked": "good",
  "email.delivery_delayed": "warn",
  "email.bounced": "bad",
  "email.failed": "bad",
  "email.complained": "bad",
};

function EventLine({ event }: { event: Event }) {
  const { type, data, createdAt } = event;
  const isVisit = type === "email.opened" || type === "email.clicked";
  const details = detailsOf(event);
  return (
    <li class={tones[type]}>
      <span class="what">
        <strong>{names[type] ?? type}</strong>
        {isVisit && (
          <>
            {" "}
            <Badge tone={data.is_bot === true ? "quiet" : "info"}>
              {data.is_bot === true ? machineOf(data) : "by a person"}
            </Badge>
          </>
        )}
      </span>
      <span class="quiet when">
        <Time at={createdAt} />
      </span>
      {details.length > 0 && (
        <span class="quiet detail">
          {details.map((text) => (
            <span>{text}</span>
          ))}
        </span>
      )}
    </li>
  );
}

function machineOf(data: Record<string, unknown>): string {
  const name = textIn(data.bot_name) ?? textIn(data.bot_reason)?.replaceAll("_", " ");
  return name ? `by a machine: ${name.slice(0, 60)}` : "by a machine";
}

const textIn = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

const within = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** What an event tells besides its name; it was made of what strangers said. */
function detailsOf({ type, data }: Event): string[] {
  const of = (object: unknown, ...fields: string[]) =>
    fields.flatMap((field) => textIn(within(object)[field]) ?? []);
  switch (type) {
    case "email.bounced":
    case "email.delivery_delayed":
      return of(data.bounce, "message");
    case "email.failed":
      return of(data.failed, "reason");
    case "email.canceled":
      return of(data.canceled, "reason");
    case "email.suppressed":
      return of(data.suppressed, "message", "reason").slice(0, 1);
    case "email.opened":
      return of(data.open, "userAgent", "ipAddress");
    case "email.clicked":
      return of(data.click, "link", "userAgent", "ipAddress");
    default:
      return [];
  }
}

function AttemptDetails({ attempt, commandOf }: { attempt: Attempt; commandOf: TimelineProps["commandOf"] }) {
  const { number, position, outcome, host, address, localAddress, tls, limiter, said, steps, reused } =
    attempt;
  const took = attempt.endedAt.getTime() - attempt.startedAt.getTime();
  return (
    <details class="attempt" id={`attempt-${attempt.deliveryId}-${number}-${position}`}>
      <summary>
        <span>
          Try {number}
          {position > 0 && `, host ${position + 1}`}
        </span>
        <State name={outcome} />
        <span class="said">{said}</span>
        <span class="quiet">{host ?? "no host"}</span>
      </summary>
      <dl class="facts">
        <dt>When</dt>
        <dd>
          <Time at={attempt.startedAt} />, for {took} ms
        </dd>
        {host && (
          <>
            <dt>Host</dt>
            <dd>
              {host} {address && <code>{address}</code>}{" "}
              {reused && <span class="quiet">over an open connection</span>}
            </dd>
          </>
        )}
        {localAddress && (
          <>
            <dt>From address</dt>
            <dd>
              <code>{localAddress}</code>
            </dd>
          </>
        )}
        {tls && (
          <>
            <dt>Encryption</dt>
            <dd>
              {tls.version ? `${tls.version} ${tls.cipher ?? ""}` : "none"}
              <span class="quiet">
                {`, wanted: ${tls.wanted}`}
                {tls.certificate && `, certificate: ${tls.certificate}`}
                {tls.problem && `; ${tls.problem}`}
              </span>
            </dd>
          </>
        )}
        {attempt.class && (
          <>
            <dt>About</dt>
            <dd>{attempt.class.replaceAll("_", " ")}</dd>
          </>
        )}
        {limiter && (
          <>
            <dt>Limited by</dt>
            <dd>{limiter}</dd>
          </>
        )}
      </dl>
      {steps.length > 0 && (
        <section aria-label={`Transcript of try ${number}`} tabindex={0} class="transcript">
          <table>
            <thead class="unseen">
              <tr>
                <th scope="col">After</th>
                <th scope="col">Who</th>
                <th scope="col">Said</th>
              </tr>
            </thead>
            <tbody>
              {steps.map((step) => (
                <Step step={step} command={commandOf(step)} tls={tls} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

function Step({
  step: { step, ms, reply },
  command,
  tls,
}: {
  step: Attempt["steps"][number];
  command: string | undefined;
  tls: Attempt["tls"];
}) {
  const ours =
    command ??
    {
      connect: "(connected)",
      handshake: `(TLS begins${tls?.version ? `: ${tls.version}` : ""})`,
      message: "(the message and its final dot)",
    }[step];
  return (
    <>
      {ours !== undefined && (
        <tr>
          <td class="number quiet">{reply === undefined ? `${ms} ms` : ""}</td>
          <td class="quiet">we</td>
          <td>
            <code>{ours}</code>
          </td>
        </tr>
      )}
      {reply !== undefined && (
        <tr>
          <td class="number quiet">{ms} ms</td>
          <td class="quiet">host</td>
          <td>
            <code class={/^[45]/.test(reply) ? "refused" : undefined}>{reply}</code>
          </td>
        </tr>
      )}
    </>
  );
}

export function HtmlTab({ frame }: { frame: MailFrameProps | undefined }) {
  if (frame) return <MailFrame {...frame} />;
  return (
    <Empty icon="email" title="No HTML">
      <p>This email has no HTML part, or its content is not kept any more.</p>
    </Empty>
  );
}

export function TextTab({ text }: { text: string | null }) {
  return <MailText text={text} />;
}

export function FilesTab({ files }: { files: ShownFile[] }) {
  return <Files files={files} />;
}

export interface ComposedProps {
  /** The page's own path. */
  path: string;
  /** To whom this copy goes, and who else gets one. */
  recipient: { id: string; recipient: string } | undefined;
  others: { id: string; recipient: string }[];
  /** Why there is none to be shown. */
  problem: string | undefined;
}

/** Each recipient gets a message of their own: its return path, links and signature are theirs alone. */
function Chooser({ path, recipient, others }: ComposedProps) {
  if (!recipient || others.length === 0) return null;
  return (
    <form method="get" action={path} class="filters">
      <SelectField
        name="delivery"
        label="The copy for"
        value={recipient.id}
        options={[recipient, ...others].map(({ id, recipient: to }) => [id, to] as const)}
      />
      <button type="submit">Show</button>
    </form>
  );
}

export function HeadersTab({
  fields,
  ...composed
}: ComposedProps & { fields: { name: string; value: string }[] }) {
  return (
    <>
      <Chooser {...composed} />
      {composed.problem === undefined ? (
        <Headers fields={fields} />
      ) : (
        <Unavailable>{composed.problem}</Unavailable>
      )}
    </>
  );
}

export function RawTab({
  raw,
  ...composed
}: ComposedProps & { raw: { text: string; isCut: boolean; download: string } }) {
  return (
    <>
      <Chooser {...composed} />
      {composed.problem === undefined ? <Raw {...raw} /> : <Unavailable>{composed.problem}</Unavailable>}
    </>
  );
}

export function ReschedulePage({
  email,
  csrf,
  value,
  mistakes,
}: {
  email: ShownEmail;
  csrf: string;
  value: string;
  mistakes: Partial<Record<"scheduled_at" | "form", string>>;
}) {
  return (
    <>
      <PageHead
        title="Reschedule"
        up={{ path: pathOf(email), name: email.subject.trim() || "(no subject)" }}
        lead={
          email.scheduledAt && (
            <>
              It is to go out at <Time at={email.scheduledAt} />.
            </>
          )
        }
      />
      <section class="card">
        <Form csrf={csrf} action={`${pathOf(email)}/reschedule`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="scheduled_at"
            label="New time"
            required
            value={value}
            mistake={mistakes.scheduled_at}
            hint="Such as “in 2 hours”, “tomorrow at 9am” or 2026-08-05T11:52:01Z; at most 30 days ahead, in UTC unless you name a zone."
          />
          <button type="submit" class="primary">
            Reschedule
          </button>
        </Form>
      </section>
    </>
  );
}

export function SharePage({
  email,
  csrf,
  url,
  expiresIn,
}: {
  email: ShownEmail;
  csrf: string;
  /** The link, once it is made. */
  url: string | undefined;
  expiresIn: string;
}) {
  return (
    <>
      <PageHead
        title="Share"
        up={{ path: pathOf(email), name: email.subject.trim() || "(no subject)" }}
        lead="A link shows this email to whoever has it, without a sign-in, and without who else got it by Bcc."
      />
      {url !== undefined && (
        <section class="card">
          <h2>Copy the link</h2>
          <p>It works for {expiresIn}, and can’t be taken back before.</p>
          <p>
            <Copyable text={url} label="the link" />
          </p>
        </section>
      )}
      <section class="card">
        <h2>{url === undefined ? "New link" : "Another link"}</h2>
        <Form csrf={csrf} action={`${pathOf(email)}/share`}>
          <SelectField
            name="expires_in"
            label="It works for"
            value={expiresIn}
            options={[
              ["1 hour", "1 hour"],
              ["24 hours", "24 hours"],
              ["48 hours", "48 hours"],
            ]}
          />
          <button type="submit" class="primary">
            <Icon name="copy" />
            Make link
          </button>
        </Form>
      </section>
    </>
  );
}
