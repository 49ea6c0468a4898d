import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { sql } from "drizzle-orm";
import { Resend } from "resend";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import type { SeenRequest } from "../../test/support/https-host.ts";
import { type TestApp, testTeam } from "../../test/support/test-app.ts";
import {
  answering,
  type Receiver,
  startReceiver,
  taken,
  webhookScene,
} from "../../test/support/webhook-scene.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { inboundBodies, inboundEmails } from "../inbound/schema.ts";
import { getAttempts, getPayload, getWebhookEvents } from "./read.ts";
import { getWebhook, rotateSecret } from "./service.ts";

const bounced = { type: "email.bounced" as const, recipient: "bob@x.test" };

/** The three libraries that receivers check calls with; each throws when a signature is not good. */
function verify({ body, headers }: SeenRequest, secret: string): unknown[] {
  const of = (names: string[]) => Object.fromEntries(names.map((name) => [name, String(headers[name])]));
  const standard = of(["webhook-id", "webhook-timestamp", "webhook-signature"]);
  const [id, timestamp, signature] = ["id", "timestamp", "signature"].map((name) =>
    String(headers[`svix-${name}`]),
  ) as [string, string, string];
  new SvixWebhook(secret).verify(body, of(["svix-id", "svix-timestamp", "svix-signature"]));
  return [
    new Resend("re_any").webhooks.verify({
      payload: body,
      headers: { id, timestamp, signature },
      webhookSecret: secret,
    }),
    new StandardWebhook(secret).verify(body, standard),
  ];
}

test("a call is signed as Resend, Svix and Standard Webhooks have it, and as the original MailIt does", async () => {
  const { addWebhook, happens } = await webhookScene({ now: new Date() });
  const receiver = await startReceiver();
  const { secret } = await addWebhook(receiver);
  await happens(bounced);
  const [call] = receiver.requests;
  expect(call).toMatchObject({ method: "POST", path: "/hook" });
  expect(call!.headers["content-type"]).toBe("application/json");
  const payload = JSON.parse(call!.body);
  expect(verify(call!, secret)).toEqual([payload, payload]);
  const timestamp = call!.headers["x-webhook-timestamp"];
  expect(call!.headers["x-webhook-signature"]).toBe(
    createHmac("sha256", secret).update(`${timestamp}.${call!.body}`).digest("hex"),
  );
  expect(timestamp).toBe(String(call!.headers["svix-timestamp"]));
  expect(() => verify({ ...call!, body: `${call!.body} ` }, secret)).toThrow();
});

test("for a day after a rotation both secrets are good, then the new one alone", async () => {
  const { app, teamId, addWebhook, happens } = await webhookScene({ now: new Date() });
  const receiver = await startReceiver();
  const { webhook, secret: old } = await addWebhook(receiver);
  const { secret } = await rotateSecret(app, teamId, webhook.id);
  await happens(bounced);
  const [both] = receiver.requests;
  expect(verify(both!, secret)).toHaveLength(2);
  expect(verify(both!, old)).toHaveLength(2);
  expect(String(both!.headers["svix-signature"]).split(" ")).toHaveLength(2);

  app.clock.advance(24 * 3_600_000);
  await happens(bounced);
  expect(String(receiver.requests[1]!.headers["svix-signature"]).split(" ")).toHaveLength(1);
});

test("a call that failed is made again after the delays of the configuration, ±20 %, with the same id and body", async () => {
  const retryDelays = [10_000, 60_000];
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene({
    config: { webhooks: { retryDelays } },
  });
  const receiver = await startReceiver(answering(503, "later"));
  const { webhook } = await addWebhook(receiver);
  const look = async () => (await getWebhookEvents(app, teamId, webhook.id, { limit: 9 }))[0]!;
  await happens(bounced);
  for (const delay of retryDelays) {
    const { status, nextAttemptAt } = await look();
    expect(status).toBe("pending");
    const wait = nextAttemptAt!.getTime() - app.now().getTime();
    expect(wait).toBeGreaterThanOrEqual(delay * 0.8);
    expect(wait).toBeLessThanOrEqual(delay * 1.2);
    expect(wait).not.toBe(delay);
    if (delay === 60_000) receiver.answer(taken);
    app.clock.set(nextAttemptAt!);
    await dispatcher.drained();
  }
  expect(await look()).toMatchObject({ status: "success", nextAttemptAt: null });
  const { id } = await look();
  const attempts = await getAttempts(app, teamId, webhook.id, id, { limit: 9 });
  expect(attempts.map(({ httpStatus, response }) => [httpStatus, response])).toEqual([
    [200, "taken"],
    [503, "later"],
    [503, "later"],
  ]);
  expect(attempts[1]!.error).toBe("The endpoint answered 503; only 2xx says that an event was taken.");
  expect(attempts[0]!.error).toBeNull();
  const [first, ...others] = receiver.requests;
  for (const other of others) {
    expect(other.body).toBe(first!.body);
    expect(other.headers["svix-id"]).toBe(id);
    expect(other.headers["svix-timestamp"]).not.toBe(first!.headers["svix-timestamp"]);
  }
  expect(JSON.parse(first!.body)).toEqual(await getPayload(app, await look()));
});

test("after the last delay the event has failed", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene({
    config: { webhooks: { retryDelays: [1_000] } },
  });
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  await happens(bounced);
  app.clock.advance(2_000);
  await dispatcher.drained();
  expect(receiver.requests).toHaveLength(2);
  expect(await getWebhookEvents(app, teamId, webhook.id, { limit: 9 })).toMatchObject([
    { status: "failed", nextAttemptAt: null, tries: 2 },
  ]);
});

test("what happens while an endpoint rests is told when it is well again", async () => {
  const { app, addWebhook, happens, dispatcher } = await webhookScene();
  const receiver = await startReceiver(answering(500));
  await addWebhook(receiver);
  for (let n = 0; n < 6; n++) await happens(bounced);
  const before = receiver.requests.length;
  await happens(bounced, bounced);
  expect(receiver.requests).toHaveLength(before); // it rests
  const [lane] = await app.db.values(sql`select blocked_by from lanes where kind = 'webhook'`);
  expect(lane![0]).toMatch(/^the endpoint rests after \d+ failed calls in a row$/);
  receiver.answer(taken);
  app.clock.advance(3_600_000);
  for (let n = 0; n < 3; n++) await dispatcher.drained();
  expect(await app.db.values(sql`select status, count(*) from webhook_events group by status`)).toEqual([
    ["success", 8],
  ]);
});

test("an endpoint that has failed for five days without a success is disabled, with a notice in the event log", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene({
    config: { webhooks: { retryDelays: [86_400_000] } },
  });
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  const since = app.now().toISOString();
  for (let halfDay = 0; halfDay < 10; halfDay++) {
    await happens(bounced);
    expect(await getWebhook(app, teamId, webhook.id)).toMatchObject({ status: "enabled" });
    app.clock.advance(43_200_000);
  }
  await happens(bounced);
  await dispatcher.drained();
  const { status, disabledReason } = await getWebhook(app, teamId, webhook.id);
  expect(status).toBe("disabled");
  expect(disabledReason).toBe(
    `Every call has failed since ${since}. The last one: The endpoint answered 500; only 2xx says that an event was taken.`,
  );
  expect(await app.db.values(sql`select data from events where type = 'webhook.disabled'`)).toEqual([
    [JSON.stringify({ webhook_id: webhook.id, endpoint: receiver.url, reason: disabledReason })],
  ]);
  // What still waited is kept for a replay, and nothing new comes.
  const events = await getWebhookEvents(app, teamId, webhook.id, { limit: 99 });
  expect(new Set(events.map((event) => event.status))).toEqual(new Set(["failed"]));
  await happens(bounced);
  expect(await getWebhookEvents(app, teamId, webhook.id, { limit: 99 })).toHaveLength(events.length);
  expect(await app.db.values(sql`select id from jobs`)).toEqual([]);
});

test("a failure now and then does not add up to five days", async () => {
  const { app, teamId, addWebhook, happens } = await webhookScene({
    config: { webhooks: { retryDelays: [] } },
  });
  const receiver = await startReceiver(answering(500));
  const { webhook } = await addWebhook(receiver);
  for (const days of [2, 2, 2, 6, 6]) {
    await happens(bounced);
    app.clock.advance(120_000); // longer than it rests
    await happens(bounced);
    app.clock.advance(days * 86_400_000);
  }
  expect(await getWebhook(app, teamId, webhook.id)).toMatchObject({ status: "enabled" });
  receiver.answer(taken);
  await happens(bounced);
  expect(await getWebhook(app, teamId, webhook.id)).toMatchObject({ status: "enabled", failingSince: null });
});

/** A received email; `size` is what its message is said to have had. */
async function addInbound(app: TestApp, owner: string, size = 1): Promise<string> {
  const id = newId();
  await atomically(app, [
    app.db.insert(inboundEmails).values({
      ...{ id, teamId: owner, domainId: null, kind: "email", mailFrom: "", receivedFor: [] },
      ...{
        deliveryId: null,
        remoteAddress: "192.0.2.1",
        clientName: "x",
        tls: null,
        blobHash: "x",
        size,
      },
      ...{ messageId: null, sender: "bob@x.test", recipients: [], cc: [], bcc: [], replyTo: [] },
      ...{ subject: "Hi", verdicts: null, problem: null, createdAt: app.now() },
    }),
    app.db
      .insert(inboundBodies)
      .values({ inboundId: id, headers: { subject: "Hi" }, html: "<p>Hi</p>", text: null, results: "" }),
  ]);
  return id;
}

test("an endpoint that asks for it gets received mail whole, but never another team's", async () => {
  const { app, teamId, addWebhook, happens } = await webhookScene();
  const other = await testTeam(app);
  const [plain, whole, inbound] = [await startReceiver(), await startReceiver(), await startReceiver()];
  await addWebhook(plain);
  await addWebhook(whole, { includeBody: true });
  await addWebhook(inbound, { events: ["email.inbound"] });
  const [mine, theirs] = [await addInbound(app, teamId), await addInbound(app, other.teamId)];
  await happens({ type: "email.received", data: { email_id: mine } });
  await happens({ type: "email.received", data: { email_id: theirs } });
  const told = ({ requests }: Receiver) => requests.map(({ body }) => JSON.parse(body).data);
  expect(told(plain)).toEqual([{ email_id: mine }, { email_id: theirs }]);
  expect(told(whole)).toEqual([
    { email_id: mine, html: "<p>Hi</p>", text: null, headers: { subject: "Hi" } },
    { email_id: theirs },
  ]);
  expect(told(inbound)).toMatchObject([
    { inbound_email_id: mine, html_body: "<p>Hi</p>" },
    { inbound_email_id: theirs, html_body: null },
  ]);
});

test("large emails are told one after the other, and hold up none that are not", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene();
  const held: (() => void)[] = [];
  const receiver = await startReceiver((_request, response) => held.push(() => response.end()));
  const { webhook } = await addWebhook(receiver, { includeBody: true });
  const told = () => receiver.requests.map(({ body }) => JSON.parse(body).data.email_id);
  const big = [await addInbound(app, teamId, 1e9), await addInbound(app, teamId, 1e9)];
  const small = await addInbound(app, teamId, 1_000);
  const all = happens(
    ...[...big, small].map((email_id) => ({ type: "email.received" as const, data: { email_id } })),
  );
  while (receiver.requests.length < 2) await new Promise(setImmediate);
  const events = await getWebhookEvents(app, teamId, webhook.id, { limit: 9 });
  expect(events.map(({ isUnderWay }) => isUnderWay)).toEqual([true, true, true]);
  expect(told().sort()).toEqual([big[0]!, small].sort());
  receiver.answer(taken);
  for (const end of held) end();
  await all;
  await dispatcher.drained();
  expect(told().sort()).toEqual([...big, small].sort());
});

test("an email's events come in their order, each after the answer to the one before", async () => {
  const { addWebhook, happens } = await webhookScene();
  const open = new Set<string>();
  const seen: { emailId: string; type: string; isAlone: boolean }[] = [];
  const receiver = await startReceiver((request, response) => {
    const { body } = receiver.requests.find(({ headers }) => headers === request.headers)!;
    const { type, data } = JSON.parse(body);
    const emailId: string = data.email_id;
    seen.push({ emailId, type, isAlone: !open.has(emailId) });
    open.add(emailId);
    setImmediate(() => setImmediate(() => response.end(() => open.delete(emailId))));
  });
  await addWebhook(receiver);
  const emails = Array.from({ length: 20 }, newId);
  const types = ["email.sent", "email.delivered", "email.opened", "email.clicked"] as const;
  await happens(...emails.flatMap((emailId) => types.map((type) => ({ type, emailId }))));
  expect(seen.filter(({ isAlone }) => !isAlone)).toEqual([]);
  const byEmail = Map.groupBy(seen, ({ emailId }) => emailId);
  for (const emailId of emails) {
    expect(byEmail.get(emailId)!.map(({ type }) => type)).toEqual([...types]);
  }
});

test("an event that waits for its retry does not hold up the next one of its email", async () => {
  const { addWebhook, happens } = await webhookScene();
  const receiver = await startReceiver(answering(500));
  await addWebhook(receiver);
  const emailId = newId();
  await happens({ type: "email.sent", emailId });
  receiver.answer(taken);
  await happens({ type: "email.delivered", emailId });
  expect(receiver.types()).toEqual(["email.sent", "email.delivered"]);
});

test("every one of many events arrives, and is known by an id of its own", async () => {
  const { addWebhook, happens, app } = await webhookScene();
  const receiver = await startReceiver();
  await addWebhook(receiver);
  await happens(...Array.from({ length: 300 }, () => ({ ...bounced, emailId: newId() })));
  expect(new Set(receiver.requests.map(({ headers }) => headers["svix-id"])).size).toBe(300);
  expect(await app.db.values(sql`select id from jobs`)).toEqual([]);
});

test("an endpoint that never answers does not keep another one waiting", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene();
  const held: (() => void)[] = [];
  const dead = await startReceiver((_request, response) => held.push(() => response.end()));
  const alive = await startReceiver();
  const { webhook } = await addWebhook(dead);
  await addWebhook(alive);
  const all = happens(...Array.from({ length: 100 }, () => bounced));
  while (alive.requests.length < 100) await new Promise(setImmediate);
  expect(dead.requests.length).toBeLessThanOrEqual(5);
  const events = await getWebhookEvents(app, teamId, webhook.id, { limit: 300 });
  expect(events.filter(({ isUnderWay }) => isUnderWay)).toHaveLength(dead.requests.length);
  dead.answer(taken);
  for (const end of held) end();
  await all;
  await dispatcher.drained();
  expect(dead.requests).toHaveLength(100);
});
