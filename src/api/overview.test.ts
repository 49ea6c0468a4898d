import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { createKey } from "../keys/service.ts";

test("how things stand is one answer: what became of the day, what went wrong, what waits and whether all is well", async () => {
  const { app, teamId, send } = await deliveryScene({
    rcpt: (line) => (line.includes("lost@") ? "550 5.1.1 No such user" : "250 2.1.5 Ok"),
  });
  const { token: key } = await createKey(app, teamId, { name: "test" });
  const { ask } = testServer(app);
  const webhook = { endpoint: "https://hooks.example.com/", events: ["email.sent"] };
  await ask("POST", "/webhooks", { key, body: webhook });
  await send();
  const lost = await send({ subject: "Lost", to: ["lost@recipient.test"] });
  app.clock.advance(60_000); // what is of this very millisecond is not of the past yet

  const { body } = await ask("GET", "/overview", { key });
  expect(body).toMatchObject({
    object: "overview",
    created_at: app.now().toISOString(),
    day: { granularity: "hourly", totals: { sent: 2, delivered: 1, bounced: 1, bounce_rate: 50 } },
    month: { granularity: "daily", totals: { sent: 2 } },
    sending: { status: "active", reason: null, paused_at: null },
    server: {
      queue: { due: 0, later: 0, busy: 0, oldest_due_at: null },
      disk: { free_bytes: expect.any(Number), total_bytes: expect.any(Number) },
    },
    domains: [{ status: "verified", verified_at: expect.any(String) }],
    webhooks: [{ endpoint: webhook.endpoint, status: "enabled", failing_since: null }],
    problems: [
      { kind: "bounced", email_id: lost, subject: "Lost", recipients: ["lost@recipient.test"], total: 1 },
    ],
    steps: { domain: true, verified: true, key: true, email: true },
  });
  expect(body.day.data).toHaveLength(24);
  expect(body.day.data.at(-1)).toMatchObject({ delivered: 1, bounced: 1 });
  expect(body.problems[0].reason).toContain("5.1.1 No such user");

  const customer = await testTeam(app, "Customer");
  const theirs = (await ask("GET", "/overview", { key: customer.key })).body;
  expect(theirs).toMatchObject({ server: null, domains: [], problems: [], day: { totals: { sent: 0 } } });
});
