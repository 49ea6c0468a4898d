import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { pauseSending } from "../delivery/queue-switches.ts";
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
