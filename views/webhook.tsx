/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { ListedEvent } from "../src/webhooks/event-store.ts";
import type { Webhook } from "../src/webhooks/schema.ts";
import { ActForm } from "./parts/acting.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Time } from "./parts/time.tsx";
import { EventState } from "./webhook-event.tsx";
import { eventsInWords, Health, WebhookForm, type WebhookFormProps } from "./webhooks.tsx";

export interface EventListProps {
  webhookId: string;
  events: ListedEvent[];
  /** The cursor of the next page. */
  next: string | undefined;
  /** Which are shown. */
  status: string;
}

export interface WebhookPageProps {
  webhook: Webhook;
  lastTakenAt: Date | undefined;
  list: EventListProps;
  /** Of the kinds that may be told again. */
  eventNames: string[];
  csrf: string;
}

const filters = [
  ["", "All"],
  ["failed", "Failed"],
  ["pending", "Waiting"],
  ["success", "Taken"],
] as const;

export function WebhookPage({ webhook, lastTakenAt, list, eventNames, csrf }: WebhookPageProps) {
  const path = `/admin/webhooks/${webhook.id}`;
  const isOn = webhook.status === "enabled";
  return (
    <>
      <PageHead title={webhook.endpoint} up={{ path: "/admin/webhooks", name: "Webhooks" }}>
        <a class="button" href={`${path}/settings`}>
          Settings
        </a>
        {isOn ? (
          <ActForm csrf={csrf} action={`${path}/test`}>
            <button type="submit" class="primary">
              Send a test event
            </button>
          </ActForm>
        ) : (
          <ActForm csrf={csrf} action={`${path}/enable`}>
            <button type="submit" class="primary">
              Turn on
            </button>
          </ActForm>
        )}
      </PageHead>
      <WebhookStanding webhook={webhook} lastTakenAt={lastTakenAt} />
      <section>
        <h2>Deliveries</h2>
        <ul class="tabs">
          {filters.map(([status, name]) => (
            <li>
              <a
                href={status ? `${path}?status=${status}` : path}
                aria-current={status === list.status ? "page" : undefined}
              >
                {name}
              </a>
            </li>
          ))}
        </ul>
        <EventTable {...list} />
      </section>
      {isOn && <ReplayForm webhook={webhook} csrf={csrf} eventNames={eventNames} />}
    </>
  );
}

/** How it has been doing; live. */
export function WebhookStanding({ webhook, lastTakenAt }: Pick<WebhookPageProps, "webhook" | "lastTakenAt">) {
  const { failingSince, lastFailureAt, disabledReason, status } = webhook;
  return (
    <section id="webhook-standing" class="card">
      <dl class="facts">
        <dt>Health</dt>
        <dd>
          <Health webhook={webhook} lastTakenAt={lastTakenAt} />{" "}
          {status === "enabled" && failingSince && (
            <>
              No call has succeeded since <Time at={failingSince} isShort />. It is tried again, and disabled
              after five days of this.
            </>
          )}
          {status === "disabled" && (disabledReason ?? "It hears of nothing until it is turned on.")}
        </dd>
        <dt>Hears of</dt>
        <dd>{webhook.events.includes("*") ? "everything" : webhook.events.join(", ")}</dd>
        <dt>Last taken</dt>
        <dd>{lastTakenAt ? <Time at={lastTakenAt} /> : "nothing yet"}</dd>
        <dt>Last failure</dt>
        <dd>{lastFailureAt ? <Time at={lastFailureAt} /> : "none"}</dd>
      </dl>
    </section>
  );
}

const columns = ["Event", "State", { name: "Calls", isNumber: true }, "Next call", "When"];

function EventTable({ webhookId, events, next, status }: EventListProps) {
  return (
    <Table
      label="Deliveries"
      columns={columns}
      live={<NewestEvents webhookId={webhookId} events={events} status={status} />}
    >
      {next && <MoreEvents webhookId={webhookId} next={next} status={status} />}
    </Table>
  );
}

/** The first page of the list, and what has come since; live. */
export function NewestEvents({ webhookId, events, status }: Omit<EventListProps, "next">) {
  return (
    <tbody id="newest-events">
      {events.length === 0 && (
        <tr>
          <td colspan={columns.length}>
            <NoEvents status={status} />
          </td>
        </tr>
      )}
      {events.map((event) => (
        <EventRow webhookId={webhookId} event={event} />
      ))}
    </tbody>
  );
}

function NoEvents({ status }: { status: string }) {
  if (status === "failed") return <span class="quiet">Nothing has failed lately.</span>;
  if (status) return <span class="quiet">There is nothing here now.</span>;
  return (
    <Empty icon="webhook" title="Nothing told yet">
      <p>What happens from now on is listed here. A test event shows whether your endpoint answers.</p>
    </Empty>
  );
}

/** Rows of a later page. */
export function EventRows({ webhookId, events, next, status }: EventListProps) {
  return (
    <>
      {events.map((event) => (
        <EventRow webhookId={webhookId} event={event} />
      ))}
      {next && <MoreEvents webhookId={webhookId} next={next} status={status} />}
    </>
  );
}

function MoreEvents({ webhookId, next, status }: { webhookId: string; next: string; status: string }) {
  const href = `/admin/webhooks/${webhookId}?${new URLSearchParams({ ...(status && { status }), after: next })}`;
  return (
    <tr class="more" hx-get={href} hx-trigger="intersect once" hx-target="this" hx-swap="outerHTML">
      <td colspan={columns.length}>
        <a href={href}>{status === "failed" ? "Look further back" : "More"}</a>
      </td>
    </tr>
  );
}

function EventRow({ webhookId, event }: { webhookId: string; event: ListedEvent }) {
  return (
    <tr>
      <td>
        <a href={`/admin/webhooks/${webhookId}/events/${event.id}`}>{event.name}</a>
      </td>
      <td>
        <EventState event={event} />
      </td>
      <td class="number">{event.tries}</td>
      <td class="quiet">{event.nextAttemptAt ? <Time at={event.nextAttemptAt} isShort /> : "none"}</td>
      <td class="quiet">
        <Time at={event.createdAt} />
      </td>
    </tr>
  );
}

function ReplayForm({ webhook, csrf, eventNames }: { webhook: Webhook; csrf: string; eventNames: string[] }) {
  return (
    <section class="card" id="replay">
      <h2>Tell again what failed</h2>
      <Form csrf={csrf} action={`/admin/webhooks/${webhook.id}/replay`}>
        <SelectField
          name="since"
          label="Since"
          options={[
            ["1", "One hour ago"],
            ["24", "One day ago"],
            ["168", "Seven days ago"],
            ["", "The beginning"],
          ]}
          value="24"
          hint="Events keep their ids, by which a receiver knows those it has had."
        />
        <details>
          <summary>Which, exactly</summary>
          <div class="stack">
            <SelectField
              name="type"
              label="Event"
              options={[["", "All kinds"], ...eventNames.map((name) => [name, name] as const)]}
            />
            <SelectField
              name="status"
              label="What came of it"
              options={[
                ["failed", "It failed"],
                ["pending", "It waits for its next call"],
                ["success", "It was taken"],
              ]}
            />
            <TextField
              name="from"
              label="From (UTC)"
              type="datetime-local"
              hint="In place of “Since” above."
            />
            <TextField name="until" label="Until (UTC)" type="datetime-local" hint="Empty: until now." />
          </div>
        </details>
        <button type="submit">Tell again</button>
      </Form>
    </section>
  );
}

export interface WebhookSettingsProps extends WebhookFormProps {
  webhook: Webhook;
}

export function WebhookSettingsPage({ webhook, ...form }: WebhookSettingsProps) {
  const path = `/admin/webhooks/${webhook.id}`;
  const { csrf } = form;
  return (
    <>
      <PageHead title="Settings of the webhook" up={{ path, name: webhook.endpoint }}>
        <Confirm
          id="remove"
          csrf={csrf}
          action={`${path}/remove`}
          label="Delete"
          title="Delete the webhook?"
          act="Delete the webhook"
        >
          <p>
            Nothing is told it any more, and the record of what it was told goes, too (
            {eventsInWords(webhook)}
            ). This can't be taken back.
          </p>
        </Confirm>
        {webhook.status === "enabled" ? (
          <Confirm
            id="disable"
            csrf={csrf}
            action={`${path}/disable`}
            label="Turn off"
            title="Turn the webhook off?"
            act="Turn it off"
          >
            <p>
              It hears of nothing until it is turned on again. What waits for it counts as failed; you can
              have that told again later.
            </p>
          </Confirm>
        ) : (
          <ActForm csrf={csrf} action={`${path}/enable`}>
            <button type="submit">Turn on</button>
          </ActForm>
        )}
      </PageHead>
      <section class="card">
        <WebhookForm {...form} action={`${path}/settings`} act="Save" />
      </section>
      <section class="card" id="secret">
        <h2>Signing secret</h2>
        <p>Your program checks with it that a call comes from here.</p>
        {webhook.oldSecretUntil && webhook.sealedOldSecret && (
          <p class="quiet">
            The secret before it signs, too, until <Time at={webhook.oldSecretUntil} isShort />.
          </p>
        )}
        <div class="row">
          <ActForm csrf={csrf} action={`${path}/secret`}>
            <button type="submit">Show the secret</button>
          </ActForm>
          <Confirm
            id="rotate"
            csrf={csrf}
            action={`${path}/rotate`}
            label="Make a new one"
            title="Make a new signing secret?"
            act="Make a new secret"
            isDestructive={false}
          >
            <p>
              Both sign for 24 hours, so that you can give the new one to your program. After that the present
              one counts no more.
            </p>
          </Confirm>
        </div>
      </section>
    </>
  );
}

export function SecretPage({ webhook, secret, isNew }: { webhook: Webhook; secret: string; isNew: boolean }) {
  const path = `/admin/webhooks/${webhook.id}`;
  return (
    <>
      <PageHead title="Signing secret" up={{ path, name: webhook.endpoint }} />
      <section class="card">
        {isNew && <h2>Give it to your program</h2>}
        <p>It checks with this that a call comes from here: each is signed as Standard Webhooks say.</p>
        <p>
          <Copyable text={secret} label="the signing secret" />
        </p>
        <p>
          <a class="button primary" href={path}>
            Done
          </a>
        </p>
      </section>
    </>
  );
}
