/** Which endpoint hears of what: the triggers of the webhooks migration, and the word they leave for the dispatcher. */
import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { type App, atomically } from "../app.ts";
import { type NewEvent, recordEvent, recordEvents, recordMany } from "../events/record.ts";
import { recordSelected } from "../events/record-selected.ts";
import { newId } from "../ids.ts";
import { enqueue } from "../jobs/job.ts";
import { callWebhook } from "./jobs.ts";
import { messageIdOf } from "./message-id.ts";
import { changeWebhook, createWebhook, getWebhook } from "./service.ts";

const waiting = async (app: App, teamId: string) =>
  app.db.values(
    sql`select w.endpoint, e.name from webhook_events e join webhooks w on w.id = e.webhook_id
        where w.team_id = ${teamId} and e.status = 'pending' order by e.id, w.id`,
  );

eachTransport((_, open) => {
  async function scene() {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const woken: Date[] = [];
    app.jobsDue.notify = (at) => void woken.push(at);
    const add = async (name: string, events: string[]) =>
      (await createWebhook(app, teamId, { endpoint: `https://${name}.test/`, events })).webhook;
    const record = (...events: Omit<NewEvent, "teamId">[]) =>
      atomically(
        app,
        recordMany(
          app,
          events.map((event) => ({ teamId, ...event })),
        ),
      );
    return { app, teamId, woken, add, record };
  }

  test("an event goes to every endpoint of the team that subscribed to it, each with its job", async () => {
    const { app, teamId, add, record } = await scene();
    await add("bounces", ["email.bounced"]);
    await add("all", ["*"]);
    await add("clicks", ["email.clicked"]);
    const other = await testTeam(app);
    await createWebhook(app, other.teamId, { endpoint: "https://other.test/", events: ["*"] });
    await record({ type: "email.bounced" });
    expect(await waiting(app, teamId)).toEqual([
      ["https://bounces.test/", "email.bounced"],
      ["https://all.test/", "email.bounced"],
    ]);
    expect(await waiting(app, other.teamId)).toEqual([]);
    expect(await app.db.values(sql`select count(*) from jobs where kind = 'webhook'`)).toEqual([[2]]);
  });

  test("an endpoint that comes after events nobody heard hears the next at once, one of another node in time", async () => {
    const { app, teamId, woken, add, record } = await scene();
    const elsewhere = await testApp({ transport: app.transport });
    await record({ type: "email.bounced" });
    await add("here", ["email.bounced"]);
    await record({ type: "email.bounced" });
    expect(woken).toHaveLength(1);

    const recordElsewhere = (type: NewEvent["type"]) =>
      atomically(elsewhere, recordEvent(elsewhere, { type, teamId }));
    const wokenElsewhere: Date[] = [];
    elsewhere.jobsDue.notify = (at) => void wokenElsewhere.push(at);
    await recordElsewhere("email.clicked");
    await add("clicks", ["email.clicked"]);
    await recordElsewhere("email.clicked");
    expect(wokenElsewhere).toEqual([]); // nobody was asked; its job is there all the same
    elsewhere.clock.advance(2_001);
    await recordElsewhere("email.clicked");
    expect(wokenElsewhere).toHaveLength(1);
    expect(await waiting(app, teamId)).toHaveLength(3);
  });

  test("a job is as `enqueue` would have written it", async () => {
    const { app, teamId, add } = await scene();
    const { id: webhookId } = await add("all", ["*"]);
    const [eventId, emailId] = [newId(), newId()];
    const rows = async () => [
      await app.db.values(sql`select * from jobs`),
      await app.db.values(sql`select * from lanes`),
    ];
    await atomically(app, recordEvent(app, { id: eventId, type: "email.sent", teamId, emailId }));
    const byTrigger = await rows();
    await app.transport.batch(
      ["delete from jobs", "delete from lanes"].map((text) => ({ sql: text, params: [] })),
    );
    const id = messageIdOf(eventId);
    await atomically(
      app,
      enqueue(app, callWebhook, { webhookId, id, emailId }, { id: `${webhookId}/${id}`, lane: webhookId }),
    );
    expect(byTrigger).toEqual(await rows());
  });

  test("nobody hears of accepting, taking back, or what is not subscribed to, and nobody is woken for it", async () => {
    const { app, teamId, add, record, woken } = await scene();
    await add("all", ["*"]);
    await add("bounces", ["email.bounced"]);
    await record({ type: "email.queued" }, { type: "email.canceled" }, { type: "webhook.disabled" });
    expect(await waiting(app, teamId)).toEqual([]);
    const other = await testTeam(app);
    await atomically(app, recordEvent(app, { type: "email.bounced", teamId: other.teamId }));
    expect(woken).toEqual([]);
    await record({ type: "email.delivered" });
    expect(woken).toEqual([app.now()]);
  });

  test("an event has one id for all endpoints, in the order of the events, and one of its own for another name", async () => {
    const { app, teamId, add } = await scene();
    const first = await add("first", ["email.received", "email.inbound"]);
    const second = await add("second", ["*", "email.inbound"]);
    const eventId = newId();
    await atomically(app, recordEvent(app, { id: eventId, type: "email.received", teamId }));
    const of = ({ id }: { id: string }) =>
      app.db.values(sql`select id, name from webhook_events where webhook_id = ${id} order by id`);
    const both = [
      [messageIdOf(eventId), "email.received"],
      [`${messageIdOf(eventId)}2`, "email.inbound"],
    ];
    expect(await of(first)).toEqual(both);
    expect(await of(second)).toEqual(both);
  });

  test("an unsubscribe has the original MailIt's name", async () => {
    const { app, teamId, add, record } = await scene();
    await add("all", ["*"]);
    await add("one", ["contact.unsubscribed"]);
    await record({ type: "email.unsubscribed" });
    expect((await waiting(app, teamId)).map(([, name]) => name)).toEqual(
      Array(2).fill("contact.unsubscribed"),
    );
  });

  test("an event for one endpoint reaches it alone, whatever it subscribed to, and by the name it has for it", async () => {
    const { app, teamId, add, record, woken } = await scene();
    await add("all", ["*"]);
    const routed = await add("routed", ["email.bounced"]);
    const named = await add("named", ["email.inbound"]);
    await record({ type: "email.received", webhookId: routed.id });
    expect(await waiting(app, teamId)).toEqual([["https://routed.test/", "email.received"]]);
    expect(woken).toEqual([app.now()]);
    await record({ type: "email.received", webhookId: named.id });
    expect(await waiting(app, teamId)).toContainEqual(["https://named.test/", "email.inbound"]);

    const other = await testTeam(app);
    await atomically(
      app,
      recordEvent(app, { type: "email.received", teamId: other.teamId, webhookId: routed.id }),
    );
    expect(await waiting(app, teamId)).toHaveLength(2);
  });

  test("a disabled endpoint hears of nothing until it is enabled", async () => {
    const { app, teamId, add, record } = await scene();
    const { id } = await add("all", ["*"]);
    await changeWebhook(app, teamId, id, { status: "disabled" });
    await changeWebhook(app, teamId, id, { events: ["email.bounced"] });
    await record({ type: "email.bounced" }, { type: "email.bounced", webhookId: id });
    expect(await waiting(app, teamId)).toEqual([]);
    await changeWebhook(app, teamId, id, { status: "enabled" });
    await record({ type: "email.bounced" }, { type: "email.sent" });
    expect(await waiting(app, teamId)).toEqual([["https://all.test/", "email.bounced"]]);
  });

  test("what an endpoint hears is what it shows, though two requests change it at once", async () => {
    const { app, teamId } = await scene();
    const { webhook } = await createWebhook(app, teamId, {
      ...{ endpoint: "https://a.test/", events: ["email.sent"], status: "disabled" },
    });
    await Promise.all([
      changeWebhook(app, teamId, webhook.id, { events: ["email.bounced"] }),
      changeWebhook(app, teamId, webhook.id, { status: "enabled" }),
    ]);
    const { events, status } = await getWebhook(app, teamId, webhook.id);
    expect([events, status]).toEqual([["email.bounced"], "enabled"]);
    expect(await app.db.values(sql`select type from webhook_subscriptions`)).toEqual([["email.bounced"]]);
  });

  test("events of which the database decides whether they happen are heard when they do", async () => {
    const { app, teamId, add, woken } = await scene();
    await add("all", ["*"]);
    const select = `select json_extract(value, '$.id') as id, null as recipient, '{}' as data
      from json_each(?1) where json_extract(value, '$.is')`;
    const happens = (is: boolean) => {
      const list = JSON.stringify([{ id: newId(), is }]);
      return atomically(app, recordSelected(app, { type: "suppression.added", teamId, select, list }));
    };
    await happens(false);
    expect(woken).toEqual([]);
    await happens(true);
    expect(woken).toEqual([app.now()]);
    expect(await waiting(app, teamId)).toEqual([["https://all.test/", "suppression.added"]]);
    expect(await app.db.values(sql`select total from counters where event = 'suppression.added'`)).toEqual([
      [1],
    ]);
  });

  test("of two names of one fact each is heard by who subscribed to it", async () => {
    const { app, teamId, add } = await scene();
    await add("sent", ["email.sent"]);
    await add("delivered", ["email.delivered"]);
    await atomically(app, recordEvents(app, ["email.sent", "email.delivered"], { teamId, emailId: newId() }));
    expect(await waiting(app, teamId)).toEqual([
      ["https://sent.test/", "email.sent"],
      ["https://delivered.test/", "email.delivered"],
    ]);
  });
});
