/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { EventGroup } from "../src/webhooks/catalogue.ts";
import type { WebhookStanding } from "../src/webhooks/read.ts";
import type { Webhook } from "../src/webhooks/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Checkbox, Form, FormMistake, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";

export interface WebhookRowsProps {
  webhooks: WebhookStanding[];
  /** The cursor of the next page. */
  next: string | undefined;
  now: Date;
}

const columns = [
  "Endpoint",
  { name: "Events", isWide: true },
  "Health",
  { name: "Last taken", isWide: true },
  "Last failure",
] as const;

export function WebhooksPage(list: WebhookRowsProps) {
  return (
    <>
      <PageHead title="Webhooks" lead="Addresses of yours that are told what happens, as it happens.">
        <a class="button" href="/admin/webhooks/event-types">
          Events
        </a>
        <Acting>
          <a class="button primary" href="/admin/webhooks/new">
            Add a webhook
          </a>
        </Acting>
      </PageHead>
      {list.webhooks.length === 0 ? (
        <Empty icon="webhook" title="No webhook yet">
          <p>
            Add the URL of a program of yours, and choose what it is to hear of: bounces, clicks, replies.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/webhooks/new">
                Add a webhook
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label="Webhooks" columns={columns}>
          <WebhookRows {...list} />
        </Table>
      )}
    </>
  );
}

export function WebhookRows({ webhooks, next, now }: WebhookRowsProps) {
  return (
    <>
      {webhooks.map(({ webhook, lastTakenAt }) => (
        <tr id={`webhook-${webhook.id}`}>
          <td class="long">
            <a href={`/admin/webhooks/${webhook.id}`}>
              <strong>{webhook.endpoint}</strong>
            </a>
          </td>
          <td class="quiet wide">{eventsInWords(webhook)}</td>
          <td>
            <Health webhook={webhook} lastTakenAt={lastTakenAt} />
          </td>
          <td class="quiet wide">{lastTakenAt ? <Ago at={lastTakenAt} now={now} /> : "never"}</td>
          <td class="quiet">
            {webhook.lastFailureAt ? <Ago at={webhook.lastFailureAt} now={now} /> : "none"}
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/webhooks?after=${next}`} columns={columns.length} />}
    </>
  );
}

export function Health({ webhook, lastTakenAt }: WebhookStanding) {
  if (webhook.status === "disabled") {
    return webhook.disabledReason ? <Badge tone="bad">disabled</Badge> : <Badge tone="quiet">off</Badge>;
  }
  if (webhook.failingSince) return <Badge tone="warn">failing</Badge>;
  return lastTakenAt ? <Badge tone="good">working</Badge> : <Badge tone="info">no calls yet</Badge>;
}

export function eventsInWords({ events }: Pick<Webhook, "events">): string {
  if (events.includes("*")) return "all";
  return events.length === 1 ? events[0]! : `${events.length} kinds`;
}

export interface WebhookFormProps {
  csrf: string;
  groups: readonly EventGroup[];
  values: { endpoint: string; events: readonly string[]; includeBody: boolean };
  mistakes: Partial<Record<"endpoint" | "events" | "form", string>>;
  /** Whether plain http is taken. */
  isHttpAllowed: boolean;
}

export function NewWebhookPage(props: WebhookFormProps) {
  return (
    <>
      <PageHead title="Add a webhook" up={{ path: "/admin/webhooks", name: "Webhooks" }} />
      <section class="card">
        <WebhookForm {...props} action="/admin/webhooks" act="Add the webhook" />
      </section>
    </>
  );
}

export function WebhookForm({
  csrf,
  groups,
  values,
  mistakes,
  isHttpAllowed,
  action,
  act,
}: WebhookFormProps & { action: string; act: string }) {
  const offered = groups.flatMap(({ events }) => events.map(({ name }) => name));
  // What only the API offers stays as it is.
  const others = values.events.filter((name) => name !== "*" && !offered.includes(name));
  return (
    <Form isShown csrf={csrf} action={action} class="stack wide">
      <FormMistake>{mistakes.form}</FormMistake>
      <TextField
        name="endpoint"
        label="Endpoint"
        type="url"
        required
        maxLength={2048}
        value={values.endpoint}
        placeholder="https://example.com/webhooks"
        hint={`${isHttpAllowed ? "A URL" : "An https URL"} that takes POST requests and answers 2xx.`}
        mistake={mistakes.endpoint}
      />
      <div class="field">
        <Checkbox
          id="event-all"
          name="events"
          value="*"
          label="All events"
          checked={values.events.includes("*")}
          hint="Whatever happens, also kinds of events that come later. What is ticked below then adds nothing."
          mistake={mistakes.events}
        />
      </div>
      <div class="event-groups">
        {groups.map(({ name, events }) => (
          <fieldset>
            <legend>{name}</legend>
            {events.map((event) => (
              <Checkbox
                id={`event-${event.name.replaceAll(".", "-")}`}
                name="events"
                value={event.name}
                label={event.name}
                checked={values.events.includes(event.name)}
                hint={event.meaning}
              />
            ))}
          </fieldset>
        ))}
      </div>
      {others.map((name) => (
        <input type="hidden" name="events" value={name} />
      ))}
      <Checkbox
        name="include_body"
        label="With the whole email"
        checked={values.includeBody}
        hint="email.received then carries the html, text and headers, too."
      />
      <button type="submit" class="primary">
        {act}
      </button>
    </Form>
  );
}
