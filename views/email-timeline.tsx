/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ExplainedDelivery } from "../src/delivery/read.ts";
import type { Attempt } from "../src/delivery/schema.ts";
import type { Happening } from "../src/events/read.ts";
import type { Event } from "../src/events/schema.ts";
import { AttemptDetails } from "./email-attempt.tsx";
import { ActForm, Acting } from "./parts/acting.tsx";
import { Badge, State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Sentence, Time } from "./parts/time.tsx";

export interface TimelineProps extends Pick<CardProps, "csrf" | "commandOf"> {
  emailId: string;
  deliveries: ExplainedDelivery[];
  /** What the recipients did themselves, by delivery. */
  deeds: Map<string, string[]>;
  /** The cursor of the next deliveries. */
  next: string | undefined;
  /** Newest first; of all recipients. */
  events: Event[];
  /** Nothing that is newer was left out. */
  isNewest: boolean;
  /** The address of older ones. */
  olderEvents: string | undefined;
}

/** What became of it, recipient by recipient. Kept as it is now while the page is open. */
export function Timeline(props: TimelineProps) {
  const { emailId, csrf, deliveries, deeds, next, events, olderEvents, isNewest, commandOf } = props;
  const byDelivery = Map.groupBy(events, ({ deliveryId }) => deliveryId);
  return (
    <div id="timeline">
      <Events events={byDelivery.get(null) ?? []} label="The email" />
      {isNewest && events.length === 0 && (
        <p class="quiet">
          Its events are not kept any more: <code>retention.events</code> says how long they are.
        </p>
      )}
      {deliveries.map((explained) => {
        const { id } = explained.delivery;
        const its = { deeds: deeds.get(id) ?? [], events: byDelivery.get(id) ?? [] };
        return <DeliveryCard {...{ csrf, explained, commandOf }} {...its} />;
      })}
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

export interface CardProps {
  csrf: string;
  explained: ExplainedDelivery;
  /** What the recipient did themselves: `opened`, `complained`. */
  deeds: string[];
  /** Newest first. */
  events: Happening[];
  /** What we said in a step. */
  commandOf(step: Attempt["steps"][number]): string | undefined;
}

/** One delivery: why it is not there yet or what became of it, and all that happened on the way. */
export function DeliveryCard({ csrf, explained, deeds, events, commandOf }: CardProps) {
  const { delivery, status, waitingFor, history } = explained;
  return (
    <section class="card delivery" aria-labelledby={`to-${delivery.id}`}>
      <div class="row">
        <h2 id={`to-${delivery.id}`}>{delivery.recipient}</h2>
        <State name={delivery.state} />
        {deeds.map((name) => (
          <State name={name} />
        ))}
        <span class="stretch" />
        {waiting.has(delivery.state) && waitingFor && (
          <DeliveryActs {...{ csrf, delivery, limiter: waitingFor.limiter }} />
        )}
      </div>
      <p class="why">
        <Sentence text={status} />
      </p>
      <Events events={events} label={`To ${delivery.recipient}`} />
      {history.length > 0 && <h3>Attempts</h3>}
      {history.map((attempt) => (
        <AttemptDetails attempt={attempt} commandOf={commandOf} />
      ))}
    </section>
  );
}

function DeliveryActs({
  csrf,
  delivery,
  limiter,
}: {
  csrf: string;
  delivery: ExplainedDelivery["delivery"];
  limiter: string;
}) {
  const action = `/admin/emails/${delivery.emailId}/deliveries/${delivery.id}`;
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

function Events({ events, label }: { events: Happening[]; label: string }) {
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

function EventLine({ event }: { event: Happening }) {
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
function detailsOf({ type, data }: Happening): string[] {
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
