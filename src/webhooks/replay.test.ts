import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { answering, startReceiver, taken, webhookScene } from "../../test/support/webhook-scene.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { newIdAt } from "../ids.ts";
import { messageIdOf } from "./message-id.ts";
import { getWebhookEvents } from "./read.ts";
import { replayEvent, replayFiltered } from "./replay.ts";
import { sendTestEvent } from "./send-test.ts";
import { changeWebhook } from "./service.ts";

const noRetries = { config: { webhooks: { retryDelays: [] } } };
const bounced = { type: "email.bounced" as const };

test("an event that was taken and one that failed are told again, with the same id and the same bytes", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene(noRetries);
  const receiver = await startReceiver();
  const { webhook } = await addWebhook(receiver);
  await happens(bounced);
  receiver.answer(answering(500));
  await happens(bounced);
  receiver.answer(taken);
  for (const { id } of await getWebhookEvents(app, teamId, webhook.id, { limit: 9 })) {
    expect(await replayEvent(app, teamId, webhook.id, id)).toBe(id);
    await dispatcher.drained();
  }
  const [first, second, secondAgain, firstAgain] = receiver.requests.map(({ headers, body }) => ({
    id: headers["svix-id"],
    body,
  }));
  expect(firstAgain).toEqual(first!);
  expect(secondAgain).toEqual(second!);
  expect(await getWebhookEvents(app, teamId, webhook.id, { limit: 9 })).toMatchObject([
    { status: "success", tries: 1 },
    { status: "success", tries: 1 },
  ]);
});

test("an event that waits for its next call is called at once, and has all its calls before it", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene();
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  await happens(bounced);
  const [event] = await getWebhookEvents(app, teamId, webhook.id, { limit: 9 });
  await replayEvent(app, teamId, webhook.id, event!.id);
  await dispatcher.drained();
  expect(receiver.requests).toHaveLength(2);
  expect(await getWebhookEvents(app, teamId, webhook.id, { limit: 9 })).toMatchObject([
    { status: "pending", tries: 1 },
  ]);
});

test("an event that is replayed while its last call is under way is not given up when that fails", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene({
    config: { webhooks: { retryDelays: [1_000] } },
  });
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  const look = async () => (await getWebhookEvents(app, teamId, webhook.id, { limit: 9 }))[0]!;
  await happens(bounced);
  const asked = Promise.withResolvers<() => void>();
  receiver.answer((_request, response) => asked.resolve(() => response.writeHead(500).end()));
  app.clock.advance(2_000);
  const called = dispatcher.drained();
  const fail = await asked.promise;
  await replayEvent(app, teamId, webhook.id, (await look()).id);
  receiver.answer(taken);
  fail();
  await called;
  await dispatcher.drained();
  expect(await look()).toMatchObject({ status: "success", tries: 1, nextAttemptAt: null });
  expect(receiver.requests).toHaveLength(3);
});

test("a filter tells again what failed of one type in a time, and nothing else", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene(noRetries);
  const receiver = await startReceiver(answering(500));
  // Ids tell the time they were made at, which no test's clock moves; so this scene's is the real one.
  app.clock.set(new Date());
  const { webhook } = await addWebhook(receiver);
  await happens(bounced, { type: "email.clicked" });
  receiver.answer(taken);
  await happens(bounced);
  receiver.requests.length = 0;
  app.clock.advance(1_000);

  const before = new Date(app.now().getTime() - 60_000);
  await replayFiltered(app, teamId, webhook.id, { type: "email.bounced", to: before });
  await dispatcher.drained();
  expect(receiver.types()).toEqual([]);
  await replayFiltered(app, teamId, webhook.id, { type: "email.bounced", from: before });
  await dispatcher.drained();
  expect(receiver.types()).toEqual(["email.bounced"]);
  await replayFiltered(app, teamId, webhook.id, { status: "success" });
  await dispatcher.drained();
  expect(receiver.types()).toEqual(["email.bounced", "email.bounced", "email.bounced"]);
  expect(await app.db.values(sql`select id from jobs`)).toEqual([]);
});

test("a replay of more than a slice tells each once", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene(noRetries);
  const receiver = await startReceiver();
  const { webhook } = await addWebhook(receiver);
  await happens(bounced);
  receiver.requests.length = 0;
  const copies = Array.from({ length: 600 }, () => messageIdOf(newIdAt(app.now())));
  await atomically(app, [
    rawWrite(
      `insert into webhook_events (webhook_id, id, event_id, name, status, tries, created_at)
       select webhook_id, value, event_id, name, 'failed', 1, created_at from json_each(?), webhook_events`,
      [JSON.stringify(copies)],
    ),
  ]);
  app.clock.advance(1_000);
  await replayFiltered(app, teamId, webhook.id, {});
  await dispatcher.drained();
  expect(receiver.requests.map(({ headers }) => String(headers["svix-id"])).sort()).toEqual(copies.sort());
});

test("a disabled endpoint is told nothing again, nor a test event", async () => {
  const { app, teamId, addWebhook, happens } = await webhookScene();
  const receiver = await startReceiver();
  const { webhook } = await addWebhook(receiver);
  await happens(bounced);
  const [event] = await getWebhookEvents(app, teamId, webhook.id, { limit: 9 });
  await changeWebhook(app, teamId, webhook.id, { status: "disabled" });
  const refused = "The webhook is disabled: enable it first.";
  await expect(replayEvent(app, teamId, webhook.id, event!.id)).rejects.toThrow(refused);
  await expect(replayFiltered(app, teamId, webhook.id, {})).rejects.toThrow(refused);
  await expect(sendTestEvent(app, teamId, webhook.id)).rejects.toThrow(refused);
});

test("a test event reaches its endpoint alone, whatever it subscribed to", async () => {
  const { app, teamId, addWebhook, dispatcher } = await webhookScene();
  const [receiver, other] = [await startReceiver(), await startReceiver()];
  const { webhook } = await addWebhook(receiver, { events: ["email.bounced"] });
  await addWebhook(other);
  const id = await sendTestEvent(app, teamId, webhook.id);
  await dispatcher.drained();
  expect(receiver.types()).toEqual(["webhook.test"]);
  expect(receiver.requests[0]!.headers["svix-id"]).toBe(id);
  expect(other.requests).toEqual([]);
});
