import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting, lookAt, takeJob, type WaitingOptions } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import type { Transport } from "../db/transport.ts";
import { deliver } from "../emails/jobs.ts";
import { type Dispatcher, startDispatcher } from "../jobs/dispatcher.ts";
import { pauseKind, pauseLane, resumeKind, resumeLane } from "../jobs/pause.ts";
import { blockLane } from "../jobs/store.ts";
import { pauseQueue } from "./queue.ts";
import { expireStuck, expiringDeliveries } from "./queue-expiry.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function scene(transport?: Transport, giveUpAfter = 48 * hourMs) {
  const config = { smtpOutbound: { giveUpAfter } };
  const app = await testApp({ now: new Date(), transport, config });
  const { teamId } = await testTeam(app);
  const add = (...all: WaitingOptions[]) => addWaiting(app, teamId, ...all);
  const block = (lane: string, forMs: number) =>
    atomically(app, [
      blockLane(`deliver/${lane}`, new Date(app.now().getTime() + forMs), "rate: 20 messages a minute"),
    ]);
  const stateOf = async (delivery: { id: string; emailId: string }) => (await lookAt(app, delivery)).state;
  return { app, add, block, stateOf };
}

const always = { sendingSince: 0, pausedLanes: {} };

eachTransport((_name, open) => {
  test("what was due all its time in a lane that limiters block is given up, and says why", async () => {
    const { app, add, block } = await scene(await open());
    const [stuck, young, elsewhere, busy] = await add(
      { ageMs: 49 * hourMs },
      { ageMs: 47 * hourMs },
      { ageMs: 49 * hourMs, domain: "calm.test" },
      { ageMs: 49 * hourMs },
    );
    await takeJob(app, busy!.id);
    await block("recipient.test", 60_000);
    expect(await expireStuck(app, always)).toBe(1);
    const said = "It had no turn within the time that deliveries are tried: rate: 20 messages a minute";
    expect(await lookAt(app, stuck!)).toMatchObject({
      state: "failed",
      lastReply: said,
      lastEvent: "failed",
    });
    expect(await app.db.values(sql`select type, data from events`)).toEqual([
      ["email.failed", JSON.stringify({ failed: { reason: said } })],
    ]);
    for (const each of [young!, elsewhere!, busy!])
      expect(await lookAt(app, each)).toMatchObject({ state: "queued" });
  });

  test("a job that was put back without a try does not begin its time anew", async () => {
    const { app, add, block, stateOf } = await scene(await open());
    const [stuck] = await add({ ageMs: 49 * hourMs });
    await app.transport.batch([
      { sql: "update jobs set run_at = ?", params: [app.now().getTime() + 30_000] },
    ]);
    await block("recipient.test", 60_000);
    await expireStuck(app, always);
    expect(await stateOf(stuck!)).toBe("failed");
  });

  test("what an operator keeps back is not given up", async () => {
    const { app, add, block, stateOf } = await scene(await open());
    const all = await add({ ageMs: 49 * hourMs }, { ageMs: 49 * hourMs, domain: "paused.test" });
    await pauseQueue(app, { domain: "recipient.test" });
    await atomically(app, pauseLane(app, "deliver/paused.test", "by hand"));
    await block("recipient.test", 60_000);
    expect(await expireStuck(app, always)).toBe(0);
    expect(await Promise.all(all.map(stateOf))).toEqual(["queued", "queued"]);
  });
});

/** The recurring work as the dispatcher does it, hour by hour; `each` keeps the lane blocked. */
async function hours(app: TestApp, dispatcher: Dispatcher, count: number, each: () => Promise<unknown>) {
  for (let hour = 0; hour < count; hour++) {
    app.clock.advance(hourMs);
    await each();
    await dispatcher.drained();
  }
}

async function work(app: TestApp, use: (dispatcher: Dispatcher) => Promise<void>): Promise<void> {
  const dispatcher = await startDispatcher(app, [expiringDeliveries.handler], { node: "a" });
  try {
    await atomically(app, expiringDeliveries.ensure(app));
    await dispatcher.drained();
    await use(dispatcher);
  } finally {
    await dispatcher.stop();
  }
}

test("time counts only while the server was there and sending was on", async () => {
  const { app, add, block, stateOf } = await scene(undefined, 5 * hourMs);
  const [stuck] = await add({ ageMs: 5 * dayMs });
  const blocked = () => block("recipient.test", 2 * hourMs);
  await blocked();
  // The server has just been started, with mail that is older than any mail is tried: it is tried first.
  await work(app, async (dispatcher) => {
    await hours(app, dispatcher, 4, blocked);
    expect(await stateOf(stuck!)).toBe("queued");
  });
  app.clock.advance(3 * dayMs); // off for three days
  await blocked();
  await work(app, async (dispatcher) => {
    await hours(app, dispatcher, 4, blocked);
    await atomically(app, pauseKind(app, deliver.name, "moving house"));
    await hours(app, dispatcher, 6, blocked);
    await atomically(app, resumeKind(app, deliver.name));
    await hours(app, dispatcher, 4, blocked);
    expect(await stateOf(stuck!)).toBe("queued");
    await hours(app, dispatcher, 2, blocked);
    expect(await stateOf(stuck!)).toBe("failed");
  });
});

test("time does not count while a lane was paused", async () => {
  const { app, add, block, stateOf } = await scene(undefined, 5 * hourMs);
  const [stuck] = await add({});
  const blocked = () => block("recipient.test", 2 * hourMs);
  await atomically(app, pauseLane(app, "deliver/recipient.test", "by hand"));
  await work(app, async (dispatcher) => {
    await hours(app, dispatcher, 6, async () => {});
    await atomically(app, resumeLane(app, "deliver/recipient.test"));
    await blocked();
    await hours(app, dispatcher, 4, blocked);
    expect(await stateOf(stuck!)).toBe("queued");
    await hours(app, dispatcher, 3, blocked);
    expect(await stateOf(stuck!)).toBe("failed");
  });
});
