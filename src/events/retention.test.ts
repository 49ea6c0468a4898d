import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { clearEndpoint } from "../webhooks/clear.ts";
import { getPayload, getWebhookEvents } from "../webhooks/read.ts";
import { replayEvent } from "../webhooks/replay.ts";
import { createWebhook } from "../webhooks/service.ts";
import { recordMany } from "./record.ts";
import { forgetEvents } from "./retention.ts";

const day = 86_400_000;
const days30 = { retention: { events: 30 * day } };

eachTransport((_, open) => {
  test("events go when they are old, a slice at a time; what was counted of them stays", async () => {
    const app = await testApp({ transport: await open(), now: new Date(), config: days30 });
    const { teamId } = await testTeam(app);
    const happen = (count: number) => {
      const one = { type: "email.bounced" as const, teamId };
      return atomically(
        app,
        recordMany(
          app,
          Array.from({ length: count }, () => one),
        ),
      );
    };
    const count = async (what: string) =>
      (await app.db.values<[number]>(sql`select ${sql.raw(what)} from events`))[0]![0];
    await happen(5);
    app.clock.advance(29 * day);
    await forgetEvents(app, 2);
    expect(await count("count(*)")).toBe(5);
    app.clock.advance(2 * day);
    await forgetEvents(app, 2);
    expect(await count("count(*)")).toBe(0);
    expect(await app.db.values("select total from counters where event = 'email.bounced'")).toEqual([[5]]);
  });

  test("what an endpoint is still to be told stays; what it was told can't be told again", async () => {
    const app = await testApp({ transport: await open(), now: new Date(), config: days30 });
    const { teamId } = await testTeam(app);
    const add = async (events: string[]) =>
      (await createWebhook(app, teamId, { endpoint: "https://hooks.test/", events })).webhook.id;
    const endpoints = [await add(["email.bounced"]), await add(["email.inbound"])];
    const happened = [
      { type: "email.bounced" as const, teamId },
      { type: "email.received" as const, teamId },
    ];
    await atomically(app, recordMany(app, happened));
    app.clock.advance(31 * day);
    await forgetEvents(app);
    expect(await app.db.values("select type from events order by type")).toEqual([
      ["email.bounced"],
      ["email.received"],
    ]);
    await atomically(app, [
      rawWrite("update webhook_events set status = 'failed'"),
      rawWrite("delete from jobs"),
    ]);
    await forgetEvents(app);
    expect(await app.db.values("select * from events")).toEqual([]);
    for (const webhookId of endpoints) {
      const [told] = await getWebhookEvents(app, teamId, webhookId, { limit: 1 });
      expect(await getPayload(app, told!)).toBeNull();
      await expect(replayEvent(app, teamId, webhookId, told!.id)).rejects.toThrow(
        "This event can't be replayed: what it said is not kept any more",
      );
      await clearEndpoint(app, webhookId);
    }
  });
});

test("events that are kept for ever stay", async () => {
  const app = await testApp({ now: new Date(), config: { retention: { events: "forever" } } });
  const { teamId } = await testTeam(app);
  await atomically(app, recordMany(app, [{ type: "email.bounced", teamId }]));
  app.clock.advance(10_000 * day);
  await forgetEvents(app);
  expect(await app.db.values("select type from events")).toEqual([["email.bounced"]]);
});
