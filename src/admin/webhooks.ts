import { Elysia } from "elysia";
import { h } from "preact";
import {
  EventRows,
  NewestEvents,
  SecretPage,
  WebhookPage,
  WebhookSettingsPage,
  WebhookStanding,
} from "../../views/webhook.tsx";
import { NewWebhookPage, type WebhookFormProps, WebhookRows, WebhooksPage } from "../../views/webhooks.tsx";
import type { App } from "../app.ts";
import { eventCatalogue } from "../webhooks/catalogue.ts";
import { isMessageId } from "../webhooks/message-id.ts";
import { findEventsOf, lastTakenAt, listEventsSince, withStanding } from "../webhooks/read.ts";
import { type ReplayFilter, replayFiltered } from "../webhooks/replay.ts";
import { type Webhook, type WebhookEventStatus, webhookEventStatuses } from "../webhooks/schema.ts";
import { sendTestEvent } from "../webhooks/send-test.ts";
import {
  changeWebhook,
  checkWebhook,
  createWebhook,
  getWebhook,
  getWebhooks,
  removeWebhook,
  revealSecret,
  rotateSecret,
} from "../webhooks/service.ts";
import { allMistakesOf } from "./mistakes.ts";
import { readMoment } from "./moment.ts";
import type { Form } from "./request.ts";
import { keysetOf, signedIn, sliceOf, type Visit } from "./visit.ts";

const place = "webhooks";
const eventsPerPage = 50;
const eventNames = eventCatalogue.flatMap(({ events }) => events.map(({ name }) => name));
/** Of a page that is open while much happens: what is between them and the rest is there when it is loaded again. */
const mostLiveEvents = 200;

export const webhookPages = (app: App) =>
  new Elysia({ prefix: "/webhooks" })
    .use(settingsPages(app))
    .use(signedIn(app))
    .get("", async ({ visit, query }) => {
      const page = keysetOf(query);
      const { rows, next } = sliceOf(await getWebhooks(app, visit.teamId, page), page);
      const list = { webhooks: await withStanding(app, rows), next, now: app.now() };
      if (visit.wantsPiece) return visit.piece(h(WebhookRows, list));
      return visit.page({ title: "Webhooks", place }, h(WebhooksPage, list));
    })
    .get("/:id", async ({ visit, params, query }) => {
      const webhook = await getWebhook(app, visit.teamId, params.id);
      const status = readStatus(query.status);
      const after = query.after && isMessageId(query.after) ? query.after : undefined;
      const limit = eventsPerPage;
      const { rows, next } = await findEventsOf(app, visit.teamId, webhook.id, { status, after, limit });
      const list = { webhookId: webhook.id, events: rows, next, status: status ?? "" };
      if (visit.wantsPiece) return visit.piece(h(EventRows, list));
      const live = new URLSearchParams({ ...(status && { status }), ...(next && { since: next }) });
      return visit.page(
        {
          ...{ title: webhook.endpoint, place },
          // A later page of the list, without scripts, has nothing new at its head.
          ...(after === undefined && { live: `/admin/webhooks/${webhook.id}/live?${live}` }),
        },
        h(WebhookPage, {
          ...{ webhook, list, eventNames, csrf: visit.csrf },
          lastTakenAt: await lastTakenAt(app, webhook),
        }),
      );
    })
    .get("/:id/live", async ({ visit, params, query }) => {
      const { id } = await getWebhook(app, visit.teamId, params.id);
      const status = readStatus(query.status);
      const since = query.since && isMessageId(query.since) ? query.since : undefined;
      return visit.live(async () => {
        const webhook = await getWebhook(app, visit.teamId, id);
        const wanted = { status, since, limit: mostLiveEvents };
        const events = await listEventsSince(app, visit.teamId, id, wanted);
        return {
          "webhook-standing": h(WebhookStanding, { webhook, lastTakenAt: await lastTakenAt(app, webhook) }),
          "newest-events": h(NewestEvents, { webhookId: id, events, status: status ?? "" }),
        };
      });
    })
    .post("/:id/test", async ({ visit, params }) => {
      const { endpoint } = await getWebhook(app, visit.teamId, params.id);
      visit.act(`Sent a test event to ${endpoint}`);
      const eventId = await sendTestEvent(app, visit.teamId, params.id);
      return visit.done(`/admin/webhooks/${params.id}/events/${eventId}`);
    })
    .post("/:id/replay", async ({ visit, params }) => {
      const { endpoint } = await getWebhook(app, visit.teamId, params.id);
      const filter = readReplay(app, visit.form);
      const { status = "failed", from } = filter;
      const what = status === "failed" ? "what failed" : `what is ${status}`;
      visit.act(`Had ${endpoint} told again ${what}${from ? ` since ${from.toISOString()}` : ""}`);
      await replayFiltered(app, visit.teamId, params.id, filter);
      return visit.done(`/admin/webhooks/${params.id}`, "It is being told again.");
    });

const settingsPages = (app: App) =>
  new Elysia()
    .use(signedIn(app))
    .get("/new", ({ visit }) => visit.page({ title: "Add a webhook", place }, newPage(app, visit)))
    .post("", async ({ visit }) => {
      const values = valuesOf(visit.form);
      visit.act(`Added the webhook ${values.endpoint}`, "");
      try {
        const { webhook, secret } = await createWebhook(app, visit.teamId, values);
        return visit.page(
          { title: "Signing secret", place, status: 201 },
          h(SecretPage, { webhook, secret, isNew: true }),
        );
      } catch (error) {
        const mistakes = await mistakesOfWebhook(app, values, error);
        return visit.page(
          { title: "Add a webhook", place, status: 422 },
          newPage(app, visit, values, mistakes),
        );
      }
    })
    .get("/:id/settings", async ({ visit, params }) =>
      settingsPage(app, visit, await getWebhook(app, visit.teamId, params.id)),
    )
    .post("/:id/settings", async ({ visit, params }) => {
      const webhook = await getWebhook(app, visit.teamId, params.id);
      const values = valuesOf(visit.form);
      visit.act(`Changed the webhook ${webhook.endpoint}`);
      try {
        await changeWebhook(app, visit.teamId, webhook.id, values);
        return visit.done(`/admin/webhooks/${webhook.id}`, "The settings are saved.");
      } catch (error) {
        const mistakes = await mistakesOfWebhook(app, values, error);
        return settingsPage(app, visit, webhook, { values, mistakes });
      }
    })
    .post("/:id/enable", async ({ visit, params }) => turn(app, visit, params.id, "enabled"))
    .post("/:id/disable", async ({ visit, params }) => turn(app, visit, params.id, "disabled"))
    .post("/:id/secret", async ({ visit, params }) => {
      const webhook = await getWebhook(app, visit.teamId, params.id);
      visit.act(`Saw the signing secret for ${webhook.endpoint}`);
      const secret = await revealSecret(app, visit.teamId, webhook.id);
      return visit.page({ title: "Signing secret", place }, h(SecretPage, { webhook, secret, isNew: false }));
    })
    .post("/:id/rotate", async ({ visit, params }) => {
      const webhook = await getWebhook(app, visit.teamId, params.id);
      visit.act(`Made a new signing secret for ${webhook.endpoint}`);
      const { secret } = await rotateSecret(app, visit.teamId, webhook.id);
      return visit.page(
        { title: "Signing secret", place, status: 201 },
        h(SecretPage, { webhook, secret, isNew: true }),
      );
    })
    .post("/:id/remove", async ({ visit, params }) => {
      const { endpoint } = await getWebhook(app, visit.teamId, params.id);
      visit.act(`Deleted the webhook ${endpoint}`);
      await removeWebhook(app, visit.teamId, params.id);
      return visit.done("/admin/webhooks", "The webhook is deleted.");
    });

function readReplay(app: App, form: Form): ReplayFilter {
  const hours = Number(form.text("since"));
  const at = app.now().getTime() - hours * 3_600_000;
  const since = hours > 0 && at > 0 ? new Date(at) : undefined; // from ever, where it is no time at all
  return {
    ...{ type: form.optional("type"), status: form.optional("status") },
    from: readMoment("from", form.optional("from")) ?? since,
    to: readMoment("until", form.optional("until")),
  };
}

async function turn(app: App, visit: Visit, id: string, status: Webhook["status"]): Promise<Response> {
  const { endpoint } = await getWebhook(app, visit.teamId, id);
  const isOn = status === "enabled";
  visit.act(`Turned the webhook ${endpoint} ${isOn ? "on" : "off"}`);
  await changeWebhook(app, visit.teamId, id, { status });
  return visit.done(
    `/admin/webhooks/${id}`,
    isOn ? "The webhook is on: it hears of what happens from now on." : "The webhook is off.",
  );
}

type Values = WebhookFormProps["values"];
type Mistakes = WebhookFormProps["mistakes"];

const noValues: Values = { endpoint: "", events: ["*"], includeBody: false };

const mistakesOfWebhook = (app: App, values: ReturnType<typeof valuesOf>, error: unknown) =>
  allMistakesOf<"endpoint" | "events", Partial<typeof values>>(error, {
    values,
    right: { endpoint: { endpoint: undefined }, events: { events: undefined } },
    judge: async (given) => checkWebhook(app, given),
    words: [[/or `\*` for all of them/, "or tick all of them"]],
  });

const newPage = (app: App, visit: Visit, values = noValues, mistakes: Mistakes = {}) =>
  h(NewWebhookPage, formOf(app, visit, values, mistakes));

function settingsPage(
  app: App,
  visit: Visit,
  webhook: Webhook,
  given?: { values: Values; mistakes: Mistakes },
): Promise<Response> {
  const { values = webhook, mistakes = {} } = given ?? {};
  return visit.page(
    { title: "Settings of the webhook", place, status: given ? 422 : 200 },
    h(WebhookSettingsPage, { webhook, ...formOf(app, visit, values, mistakes) }),
  );
}

const formOf = (app: App, { csrf }: Visit, values: Values, mistakes: Mistakes): WebhookFormProps => ({
  ...{ csrf, values, mistakes },
  groups: eventCatalogue,
  isHttpAllowed: app.config.webhooks.allowPrivateAddresses,
});

/** All of them is all of them: what is ticked beside it would be told twice, by the older name. */
function valuesOf(form: Form) {
  const events = form.list("events");
  return {
    endpoint: form.text("endpoint"),
    events: events.includes("*") ? ["*"] : events,
    includeBody: form.isTicked("include_body"),
  };
}

const readStatus = (text: string | undefined): WebhookEventStatus | undefined =>
  webhookEventStatuses.find((each) => each === text);
