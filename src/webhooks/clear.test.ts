import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { startReceiver, webhookScene } from "../../test/support/webhook-scene.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { recordMany } from "../events/record.ts";
import { handlers, recurringWork } from "../work.ts";
import { callingWebhooks } from "./call.ts";
import { clearEndpoint, clearingWebhooks } from "./clear.ts";
import { replayingWebhooks } from "./replay.ts";
import { forgettingWebhookEvents, forgetWebhookEvents } from "./retention.ts";
import { changeWebhook, createWebhook, removeWebhook } from "./service.ts";

eachTransport((_, open) => {
  async function scene() {
    const app = await testApp({ transport: await open(), now: new Date() });
    const { teamId } = await testTeam(app);
    const add = async () =>
      (await createWebhook(app, teamId, { endpoint: "https://hooks.test/", events: ["*"] })).webhook.id;
    const happens = (count: number) =>
      atomically(
        app,
        recordMany(
          app,
          Array.from({ length: count }, () => ({ teamId, type: "email.bounced" as const })),
        ),
      );
    const statuses = (webhookId: string) =>
      app.db.values(
        sql`select status, count(*) from webhook_events where webhook_id = ${webhookId} group by status`,
      );
    const jobsOf = async (webhookId: string) =>
      (await app.db.values(sql`select id from jobs where lane = ${`webhook/${webhookId}`}`)).length;
    return { app, teamId, add, happens, statuses, jobsOf };
  }

  test("what waits for an endpoint that is disabled has failed, slice by slice; others' stays", async () => {
    const { app, teamId, add, happens, statuses, jobsOf } = await scene();
    const [mine, other] = [await add(), await add()];
    await happens(7);
    await changeWebhook(app, teamId, mine, { status: "disabled" });
    await clearEndpoint(app, mine, 3);
    expect(await statuses(mine)).toEqual([["failed", 7]]);
    expect(await jobsOf(mine)).toBe(0);
    expect(await statuses(other)).toEqual([["pending", 7]]);
    expect(await jobsOf(other)).toBe(7);
    expect(await app.db.values(sql`select next_at from lanes where lane = ${`webhook/${mine}`}`)).toEqual([
      [null],
    ]);
  });

  test("of an endpoint that is deleted nothing stays but the call that is under way", async () => {
    const { app, teamId, add, happens, statuses, jobsOf } = await scene();
    const [mine, other] = [await add(), await add()];
    await happens(7);
    await atomically(app, [
      rawWrite("update jobs set node = 'a' where id = (select min(id) from jobs where lane = ?)", [
        `webhook/${mine}`,
      ]),
    ]);
    await removeWebhook(app, teamId, mine);
    await clearEndpoint(app, mine, 3);
    expect(await jobsOf(mine)).toBe(1);
    expect(await statuses(mine)).toEqual([["pending", 1]]); // goes with retention
    expect(await statuses(other)).toEqual([["pending", 7]]);
    expect(await app.db.values(sql`select id from webhooks`)).toEqual([[other]]);
    expect(await app.db.values(sql`select count(*) from webhook_subscriptions`)).toEqual([[1]]);
  });

  test("one that was enabled again meanwhile keeps what waits", async () => {
    const { app, add, happens, statuses } = await scene();
    const id = await add();
    await happens(2);
    await clearEndpoint(app, id);
    expect(await statuses(id)).toEqual([["pending", 2]]);
  });

  test("what was told is forgotten after retention.webhooks, with its calls; what is still to be told stays", async () => {
    const { app, add, happens, statuses } = await scene();
    const id = await add();
    await happens(7);
    await atomically(app, [
      rawWrite(
        `insert into webhook_attempts (webhook_id, message_id, id, response, duration_ms, created_at)
         select webhook_id, id, 'atmpt_1', '', 1, 1 from webhook_events`,
      ),
      rawWrite("delete from jobs where id in (select id from jobs order by id limit 5)"),
      rawWrite(
        "update webhook_events set status = 'success' where webhook_id || '/' || id not in (select id from jobs)",
      ),
    ]);
    await forgetWebhookEvents(app, 2);
    expect(await statuses(id)).toEqual([
      ["pending", 2],
      ["success", 5],
    ]);
    app.clock.advance(30 * 86_400_000 + 60_000);
    await forgetWebhookEvents(app, 2);
    expect(await statuses(id)).toEqual([["pending", 2]]);
    expect(await app.db.values(sql`select count(*) from webhook_attempts`)).toEqual([[2]]);
  });
});

test("a call that is under way while its endpoint is deleted ends quietly", async () => {
  const { app, teamId, addWebhook, happens, dispatcher } = await webhookScene();
  let answer = () => {};
  const came = Promise.withResolvers<void>();
  const receiver = await startReceiver((_request, response) => {
    answer = () => response.end();
    came.resolve();
  });
  const { webhook } = await addWebhook(receiver);
  const told = happens({ type: "email.bounced" });
  await came.promise;
  await removeWebhook(app, teamId, webhook.id);
  answer();
  await told;
  await dispatcher.drained();
  expect(await app.db.values(sql`select id from jobs`)).toEqual([]);
});

test("the program calls, clears, replays and forgets by itself", () => {
  expect(handlers).toEqual(expect.arrayContaining([callingWebhooks, clearingWebhooks, replayingWebhooks]));
  expect(recurringWork).toContain(forgettingWebhookEvents);
});
