/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { InboundRoute } from "../src/inbound/schema.ts";
import type { TriedAddress } from "../src/inbound/try-address.ts";
import { ActForm } from "./parts/acting.tsx";
import { Badge, type Tone } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { Tabs } from "./parts/message.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { routeInWords, TriedSentence } from "./receiving.tsx";

export interface RoutesProps {
  csrf: string;
  domains: { id: string; name: string; receiving: boolean }[];
  /** The one whose routes are shown. */
  domain: { id: string; name: string; receiving: boolean } | undefined;
  routes: InboundRoute[];
  /** Endpoints by id. */
  webhooks: Record<string, string>;
  trial: { address: string; tried: TriedAddress | undefined; mistake: string | undefined };
  form: RouteFormProps["values"];
  mistakes: RouteFormProps["mistakes"];
}

const base = "/admin/receiving/routes";
const columns = ["Order", "Mail to", "What is done", ""];

export function RoutesPage(props: RoutesProps) {
  const { csrf, domains, domain, routes, webhooks, trial, form, mistakes } = props;
  return (
    <>
      <PageHead
        title="Routes"
        up={{ path: "/admin/receiving", name: "Received" }}
        lead="What is done with mail to some addresses. The first route that fits decides; where none does, mail is stored."
      />
      {domain === undefined ? (
        <Empty icon="domain" title="No domain yet">
          <p>
            Add a <a href="/admin/domains">domain</a> and turn on receiving for it.
          </p>
        </Empty>
      ) : (
        <>
          {domains.length > 1 && (
            <Tabs
              label="Domains"
              current={`${base}?domain=${domain.id}`}
              tabs={domains.map(({ id, name }) => ({ path: `${base}?domain=${id}`, name }))}
            />
          )}
          {!domain.receiving && (
            <p class="warning">
              {domain.name} does not receive mail: turn it on under{" "}
              <a href={`/admin/domains/${domain.id}`}>its domain</a>.
            </p>
          )}
          <Trial domain={domain} {...trial} />
          {routes.length === 0 ? (
            <Empty icon="filter" title={`No route for ${domain.name}`}>
              <p>
                All mail to its addresses is stored, and endpoints hear of it. Add a route below for what
                should differ.
              </p>
            </Empty>
          ) : (
            <Table label={`Routes of ${domain.name}`} columns={columns}>
              {routes.map((route, index) => (
                <RouteRow
                  {...{ csrf, route, webhooks, domain: domain.name }}
                  place={{ number: index + 1, isFirst: index === 0, isLast: index === routes.length - 1 }}
                />
              ))}
            </Table>
          )}
          <section class="card" id="new">
            <h2>New route</h2>
            <RouteForm
              {...{ csrf, domain, webhooks, mistakes }}
              values={form}
              action={base}
              act="Add route"
            />
          </section>
        </>
      )}
    </>
  );
}

function Trial({
  domain,
  address,
  tried,
  mistake,
}: RoutesProps["trial"] & { domain: { id: string; name: string } }) {
  return (
    <section class="card">
      <form method="get" action={base} class="filters try">
        <input type="hidden" name="domain" value={domain.id} />
        <div class="grow">
          <TextField
            name="try"
            label="Try an address"
            value={address}
            placeholder={`somebody@${domain.name}`}
            mistake={mistake}
          />
        </div>
        <button type="submit">Try</button>
      </form>
      {tried && (
        <p role="status">
          Mail to <strong>{tried.address}</strong> <TriedSentence tried={tried} />
        </p>
      )}
    </section>
  );
}

const actions: Record<InboundRoute["action"], { name: string; tone: Tone }> = {
  store: { name: "store", tone: "good" },
  webhook: { name: "one endpoint", tone: "info" },
  reject: { name: "refuse", tone: "bad" },
  drop: { name: "throw away", tone: "warn" },
};

function RouteRow({
  csrf,
  route,
  webhooks,
  domain,
  place,
}: {
  csrf: string;
  route: InboundRoute;
  webhooks: Record<string, string>;
  domain: string;
  place: { number: number; isFirst: boolean; isLast: boolean };
}) {
  const { id, action, webhookId, reply } = route;
  const what = mailTo(route, domain);
  return (
    <tr id={`route-${id}`}>
      <td class="quiet">{place.number}</td>
      <td>{what}</td>
      <td>
        <Badge tone={actions[action].tone}>{actions[action].name}</Badge>{" "}
        <span class="quiet">
          {webhookId ? (webhooks[webhookId] ?? "an endpoint that was removed") : reply}
        </span>
      </td>
      <td class="act">
        <span class="row route-acts">
          {!place.isFirst && <Move csrf={csrf} id={id} way="up" what={what} />}
          {!place.isLast && <Move csrf={csrf} id={id} way="down" what={what} />}
          <a class="button small" href={`${base}/${id}`} aria-label={`Change the route for ${what}`}>
            Change
          </a>
          <Confirm
            id={`remove-${id}`}
            csrf={csrf}
            action={`${base}/${id}/delete`}
            label="Remove"
            title={`Remove the route for ${what}?`}
            act="Remove the route"
          >
            <p>From now on the next route that fits decides; where none does, mail is stored.</p>
          </Confirm>
        </span>
      </td>
    </tr>
  );
}

function mailTo(route: InboundRoute, domain: string): string {
  const words = routeInWords(route);
  if (route.match === "catch_all") return `${words} of ${domain}`;
  return route.match === "address" ? words : `${words} @${domain}`;
}

function Move({ csrf, id, way, what }: { csrf: string; id: string; way: "up" | "down"; what: string }) {
  return (
    <ActForm csrf={csrf} action={`${base}/${id}/${way}`}>
      <button type="submit" class="small" aria-label={`Move the route for ${what} ${way}`}>
        {way === "up" ? "↑" : "↓"}
      </button>
    </ActForm>
  );
}

export interface RouteFormProps {
  csrf: string;
  domain: { id: string; name: string };
  webhooks: Record<string, string>;
  values: { match: string; value: string; action: string; webhookId: string; reply: string };
  mistakes: Partial<Record<"match" | "value" | "action" | "webhook_id" | "reply" | "form", string>>;
  action: string;
  act: string;
}

function RouteForm({ csrf, domain, webhooks, values, mistakes, action, act }: RouteFormProps) {
  const endpoints = Object.entries(webhooks);
  return (
    <Form isShown csrf={csrf} action={action}>
      <input type="hidden" name="domain" value={domain.id} />
      <FormMistake>{mistakes.form}</FormMistake>
      <SelectField
        name="match"
        label="Mail to"
        value={values.match}
        mistake={mistakes.match}
        options={[
          ["address", `One address, such as support@${domain.name}`],
          ["pattern", `A pattern, such as order-*@${domain.name}`],
          ["plus", "A name with anything behind a plus, such as bot and bot+42"],
          ["catch_all", "Every address: for the end of the list"],
        ]}
      />
      <TextField
        name="value"
        label="Address, pattern or name"
        value={values.value}
        mistake={mistakes.value}
        hint="Of a pattern what stands before the @: * is any text, ? one character. Empty for every address."
      />
      <SelectField
        name="action"
        label="What is done"
        value={values.action}
        mistake={mistakes.action}
        options={[
          ["store", "Store it, and tell every endpoint"],
          ["webhook", "Store it, and tell one endpoint alone"],
          ["reject", "Refuse it, and say so to the sender"],
          ["drop", "Take it and throw it away"],
        ]}
      />
      <SelectField
        name="webhook_id"
        label="Endpoint"
        value={values.webhookId}
        mistake={mistakes.webhook_id}
        hint="Only where one endpoint is told."
        options={[["", "None"], ...endpoints]}
      />
      <TextField
        name="reply"
        label="What the sender is told"
        value={values.reply}
        mistake={mistakes.reply}
        maxLength={500}
        hint="Only where it is refused; may begin with a code such as 550 5.1.1. Empty: there is no such mailbox."
      />
      <button type="submit" class="primary">
        {act}
      </button>
    </Form>
  );
}

export function RoutePage(form: Omit<RouteFormProps, "act" | "action"> & { id: string; what: string }) {
  return (
    <>
      <PageHead
        title={`Route for ${form.what}`}
        up={{ path: `${base}?domain=${form.domain.id}`, name: "Routes" }}
        lead="It keeps its place in the order."
      />
      <section class="card">
        <RouteForm {...form} action={`${base}/${form.id}`} act="Save" />
      </section>
    </>
  );
}
