import { expect, test } from "bun:test";
import { broadcastScene } from "../../test/support/broadcast-scene.ts";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { recordComplaint } from "../delivery/complaints.ts";
import { pauseSending } from "../delivery/queue-switches.ts";
import type { Delivery } from "../emails/schema.ts";
import { createWebhook } from "../webhooks/service.ts";
import { getOverview } from "./overview.ts";

test("a new team is told what it has yet to do", async () => {
  const app = await testApp({ now: new Date() });
  const { teamId } = await testTeam(app);
  expect((await getOverview(app, teamId)).steps).toMatchObject({
    domain: false,
    verified: false,
    email: false,
  });
  await testDomain(app, teamId);
  await addWaiting(app, teamId, {});
  expect((await getOverview(app, teamId)).steps).toMatchObject({ domain: true, verified: true, email: true });
});

test("the queue and the disk of the server are the operator's to see; that sending is paused is everybody's", async () => {
  const app = await testApp({ now: new Date() });
  const operator = await testTeam(app, "Operator");
  app.clock.advance(1);
  const customer = await testTeam(app, "Customer");
  await addWaiting(app, customer.teamId, {}, {});
  await pauseSending(app, "maintenance");
  const whole = await getOverview(app, operator.teamId);
  expect(whole.server?.queue).toMatchObject({ due: 2, later: 0, isPaused: true });
  expect(whole.server?.disk?.freeBytes).toBeGreaterThan(0);
  const { server, pause } = await getOverview(app, customer.teamId);
  expect(server).toBeUndefined();
  expect(pause?.reason).toBe("maintenance");
});

test("what was counted in the last day is there by the hour, with the newest problems and their reasons", async () => {
  const { app, teamId, send } = await deliveryScene({
    rcpt: (line) => (line.includes("lost@") ? "550 5.1.1 No such user" : "250 2.1.5 Ok"),
  });
  const other = await testTeam(app, "Another");
  await send();
  const emailId = await send({ subject: "<b>Lost</b>", to: ["lost@recipient.test"] });
  app.clock.advance(60_000); // what is of this very millisecond is not of the past yet
  const { day, problems, webhooks } = await getOverview(app, teamId);
  expect(day.totals).toMatchObject({ sent: 2, delivered: 1, bounced: 1, bounce_rate: 50 });
  expect(day.rows).toHaveLength(24);
  expect(day.rows!.at(-1)!.values.delivered).toBe(1);
  expect(problems).toMatchObject([
    { kind: "bounced", emailId, subject: "<b>Lost</b>", total: 1, recipients: ["lost@recipient.test"] },
  ]);
  expect(problems[0]!.reason).toContain("5.1.1 No such user");
  expect(webhooks).toEqual([]);
  expect((await getOverview(app, other.teamId)).problems).toEqual([]);

  await createWebhook(app, teamId, { endpoint: "https://hooks.test/", events: ["email.sent"] });
  expect((await getOverview(app, teamId)).webhooks).toHaveLength(1);
});

test("of a broadcast's bounces the newest is told, with whom, why and when; a complaint too", async () => {
  const people = { "ada@recipient.test": {}, "bob@recipient.test": {}, "eve@recipient.test": {} };
  const { app, teamId, broadcast, get, deliveries, pass } = await broadcastScene(people, {
    rcpt: (line) =>
      line.includes("ada@") ? undefined : `550 5.1.1 No such ${line.includes("bob@") ? "Bob" : "Eve"}`,
  });
  app.clock.set(new Date("2026-03-01T12:10:00Z"));
  const id = await broadcast({ ratePerMinute: 1 });
  for (let n = 0; n < 3; n++) await pass(60_000);
  const { emailId } = await get(id);
  const all = await deliveries(emailId!);
  const [ada, eve] = ["ada@", "eve@"].map((name) => all.find(({ recipient }) => recipient.startsWith(name))!);
  await recordComplaint(app, { ...ada!, domainId: null, broadcastId: id, tags: [], job: null });
  app.clock.advance(60_000);
  const { problems } = await getOverview(app, teamId);
  expect(problems).toEqual([
    {
      ...{ kind: "complained", emailId: emailId!, broadcastId: id, subject: "News", total: 1 },
      ...{ recipients: ["ada@recipient.test"], deliveryId: ada!.id, reason: null },
      at: new Date("2026-03-01T12:13:00Z"),
    },
    {
      ...{ kind: "bounced", emailId: emailId!, broadcastId: id, subject: "News", total: 2 },
      ...{ recipients: ["eve@recipient.test", "bob@recipient.test"], deliveryId: eve!.id },
      ...{ reason: "550 5.1.1 No such Eve", at: new Date("2026-03-01T12:12:00Z") },
    },
  ]);
});

test("who was given up is told with the last reply and when that was", async () => {
  const { app, teamId, send, deliveries, dispatcher } = await deliveryScene({ rcpt: "450 4.2.0 Try later" });
  const id = await send();
  for (let n = 0; n < 20; n++) {
    const [{ nextAttemptAt }] = (await deliveries(id)) as [Delivery];
    if (!nextAttemptAt) break;
    app.clock.set(nextAttemptAt);
    await dispatcher.drained();
  }
  const [{ settledAt, id: deliveryId, recipient }] = (await deliveries(id)) as [Delivery];
  app.clock.advance(60_000);
  expect((await getOverview(app, teamId)).problems).toMatchObject([
    { kind: "failed", recipients: [recipient], deliveryId, reason: "450 4.2.0 Try later", at: settledAt! },
  ]);
});
