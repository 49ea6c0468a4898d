/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ListedEvent } from "../src/webhooks/event-store.ts";
import type { Webhook, WebhookAttempt } from "../src/webhooks/schema.ts";
import { ActForm } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Icon } from "./parts/icon.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Time } from "./parts/time.tsx";

export function EventState({ event }: { event: ListedEvent }) {
  if (event.status === "success") return <Badge tone="good">taken</Badge>;
  if (event.status === "failed") return <Badge tone="bad">failed</Badge>;
  if (event.isUnderWay) return <Badge tone="info">calling</Badge>;
  return event.tries > 0 ? <Badge tone="warn">tried again</Badge> : <Badge tone="info">waiting</Badge>;
}

export interface EventPageProps {
  webhook: Webhook;
  event: ListedEvent;
  attempts: WebhookAttempt[];
  /** As a call carries it; undefined once the event is no longer kept. */
  payload: string | undefined;
  csrf: string;
}

export function EventPage({ webhook, event, attempts, payload, csrf }: EventPageProps) {
  const path = `/admin/webhooks/${webhook.id}`;
  return (
    <>
      <PageHead title={event.name} up={{ path, name: webhook.endpoint }}>
        {webhook.status === "enabled" && payload !== undefined && (
          <ActForm csrf={csrf} action={`${path}/events/${event.id}/replay`}>
            <button type="submit">Tell it again</button>
          </ActForm>
        )}
      </PageHead>
      <EventStanding event={event} attempts={attempts} />
      <section>
        <h2>Payload</h2>
        {payload === undefined ? (
          <p class="quiet">The event is no longer kept, so nobody knows what it said.</p>
        ) : (
          <>
            <pre>{payload}</pre>
            <button type="button" data-copy={payload} aria-label="Copy the payload">
              <Icon name="copy" />
              Copy the payload
            </button>
          </>
        )}
      </section>
    </>
  );
}

/** Where it stands, and each call with its answer; live. */
export function EventStanding({ event, attempts }: Pick<EventPageProps, "event" | "attempts">) {
  return (
    <div id="event-standing">
      <section class="card">
        <dl class="facts">
          <dt>State</dt>
          <dd aria-live="polite">
            <EventState event={event} />
          </dd>
          {event.nextAttemptAt && (
            <>
              <dt>Next call</dt>
              <dd>
                <Time at={event.nextAttemptAt} />
              </dd>
            </>
          )}
          <dt>Happened</dt>
          <dd>
            <Time at={event.createdAt} />
          </dd>
          <dt>Id</dt>
          <dd>
            <code>{event.id}</code>
          </dd>
        </dl>
      </section>
      <section class="calls">
        <h2>Calls</h2>
        {attempts.length === 0 && <p class="quiet">None yet.</p>}
        <ol class="attempts" reversed>
          {attempts.map((attempt) => (
            <li>
              <AttemptItem attempt={attempt} />
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

function AttemptItem({ attempt }: { attempt: WebhookAttempt }) {
  const { httpStatus, response, error, durationMs, createdAt } = attempt;
  return (
    <>
      <p class="row">
        <Badge tone={error === null ? "good" : "bad"}>
          {httpStatus === null ? "no answer" : String(httpStatus)}
        </Badge>
        <Time at={createdAt} />
        <span class="quiet number">{durationMs} ms</span>
      </p>
      {error && <p>{error}</p>}
      {response && <pre>{response}</pre>}
      {response.length >= 4_000 && <p class="quiet">Only the beginning of an answer is kept.</p>}
    </>
  );
}
