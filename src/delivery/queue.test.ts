import { describe, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import {
  addWaiting,
  lookAt,
  takeJob,
  type WaitingDelivery,
  type WaitingOptions,
} from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import type { Transport } from "../db/transport.ts";
import { deliver } from "../emails/jobs.ts";
import { getEmail } from "../emails/read.ts";
import { cancelEmail } from "../emails/scheduled.ts";
import { sendEmail } from "../emails/send.ts";
import { events } from "../events/schema.ts";
import { startDispatcher } from "../jobs/dispatcher.ts";
import { done, handle } from "../jobs/job.ts";
import { pausedUntil } from "../jobs/pause.ts";
import { blockLane, findLane } from "../jobs/store.ts";
import { bounceQueue, cancelQueue, countQueue, pauseQueue, resumeQueue, retryQueue } from "./queue.ts";
import { endUnsent } from "./queue-settle.ts";
import { walkWaiting } from "./queue-walk.ts";

const hourMs = 3_600_000;

/** An app near the real time, which ids are made by, and a team. */
async function scene(transport?: Transport) {
  const app = await testApp({ now: new Date(), transport });
  const { teamId } = await testTeam(app);
  const later = (ms: number) => new Date(app.now().getTime() + ms);
  const add = (...all: WaitingOptions[]) => addWaiting(app, teamId, ...all);
  return { app, teamId, later, add };
}

const eventsOf = (app: TestApp, { emailId }: WaitingDelivery) =>
  app.db.select().from(events).where(sql`email_id = ${emailId}`).orderBy(sql`id`).all();

const nextAtOf = async (app: TestApp, lane: string) => (await findLane(app.db, `deliver/${lane}`))?.nextAt;

eachTransport((_name, open) => {
  test("deliveries are counted by what they wait for, and filters narrow them", async () => {
    const { app, teamId, later, add } = await scene(await open());
    const other = await testTeam(app, "Another team");
    const [queued] = await add(
      { tags: [{ name: "kind", value: "news" }] },
      { domain: "slow.test", lane: "mx.slow.test", deferredUntil: later(hourMs) },
      { scheduledAt: later(hourMs), tags: [{ name: "kind", value: "receipt" }] },
      { ageMs: 3 * hourMs },
    );
    const [held] = await addWaiting(app, other.teamId, { lane: "held.test" });
    await pauseQueue(app, { lane: "held.test" });
    await takeJob(app, queued!.id);
    expect(held).toBeDefined();

    expect(await countQueue(app, {})).toEqual({
      ...{ count: 5, queued: 2, deferred: 1, scheduled: 1, held: 1, busy: 1 },
    });
    const counts = async (...filters: Parameters<typeof countQueue>[1][]) =>
      Promise.all(filters.map(async (filter) => (await countQueue(app, filter)).count));
    expect(await counts({ teamId }, { teamId: other.teamId })).toEqual([4, 1]);
    expect(
      await counts({ lane: "recipient.test" }, { lane: "deliver/mx.slow.test" }, { lane: "slow.test" }),
    ).toEqual([3, 1, 0]);
    expect(await counts({ domain: "slow.test" }, { domain: "held.test" })).toEqual([1, 0]);
    expect(
      await counts({ state: "queued" }, { state: "deferred" }, { state: "scheduled" }, { state: "held" }),
    ).toEqual([2, 1, 1, 1]);
    expect(await counts({ tag: "kind" }, { tag: "kind:news" }, { tag: "kind:new" }, { tag: "kin" })).toEqual([
      2, 1, 0, 0,
    ]);
    expect(
      await counts(
        { olderThanMs: 2 * hourMs },
        { newerThanMs: 2 * hourMs, teamId },
        { olderThanMs: 4 * hourMs },
        { lane: "recipient.test", olderThanMs: 2 * hourMs },
      ),
    ).toEqual([1, 3, 0, 1]);
    expect((await countQueue(app, { lane: "recipient.test" })).busy).toBe(1);
  });

  test("held deliveries wait until they are resumed, scheduled ones until their time as well", async () => {
    const { app, later, add } = await scene(await open());
    const [due, deferred, scheduled] = await add(
      {},
      { deferredUntil: later(hourMs) },
      { scheduledAt: later(2 * hourMs) },
    );
    expect(await pauseQueue(app, { domain: "recipient.test" }, "wrong\nprices")).toEqual({
      ...{ matched: 3, changed: 3, busy: 0 },
    });
    const since = app.now().toISOString().replace(/\.\d+/, "");
    expect(await lookAt(app, deferred!)).toMatchObject({
      state: "deferred",
      nextAttemptAt: null,
      job: { runAt: pausedUntil, lastError: `Held by an operator since ${since}: wrong prices` },
    });
    expect(await nextAtOf(app, "recipient.test")).toEqual(pausedUntil);
    expect(await pauseQueue(app, {})).toEqual({ matched: 3, changed: 0, busy: 0 });

    app.clock.advance(1_000);
    expect(await resumeQueue(app, {})).toEqual({ matched: 3, changed: 3, busy: 0 });
    for (const each of [due!, deferred!]) {
      expect(await lookAt(app, each)).toMatchObject({
        nextAttemptAt: app.now(),
        job: { runAt: app.now(), lastError: null },
      });
    }
    expect(await lookAt(app, scheduled!)).toMatchObject({
      nextAttemptAt: later(2 * hourMs - 1_000),
      job: { runAt: later(2 * hourMs - 1_000) },
    });
    expect(await nextAtOf(app, "recipient.test")).toEqual(app.now());
  });

  test("a retry makes deferred deliveries due, and scheduled ones only where they are named", async () => {
    const { app, later, add } = await scene(await open());
    const [deferred, scheduled] = await add(
      { deferredUntil: later(hourMs) },
      { scheduledAt: later(hourMs), domain: "calm.test" },
    );
    expect(await nextAtOf(app, "recipient.test")).toEqual(later(hourMs));
    let woken: Date | undefined;
    app.jobsDue.notify = (at) => {
      woken = at;
    };
    expect(await retryQueue(app, {})).toEqual({ matched: 2, changed: 1, busy: 0 });
    expect(woken).toEqual(app.now());
    expect(await lookAt(app, deferred!)).toMatchObject({
      nextAttemptAt: app.now(),
      job: { runAt: app.now() },
    });
    expect(await lookAt(app, scheduled!)).toMatchObject({ job: { runAt: later(hourMs) } });
    expect([await nextAtOf(app, "recipient.test"), await nextAtOf(app, "calm.test")]).toEqual([
      app.now(),
      later(hourMs),
    ]);
    expect(await retryQueue(app, { state: "scheduled" })).toEqual({ matched: 1, changed: 1, busy: 0 });
    expect(await lookAt(app, scheduled!)).toMatchObject({ job: { runAt: app.now() } });
    expect(await countQueue(app, {})).toMatchObject({ deferred: 1, queued: 1, scheduled: 0 });
  });

  test("a retry does not lift a limiter's block", async () => {
    const { app, later, add } = await scene(await open());
    await add({ deferredUntil: later(hourMs) });
    await atomically(app, [blockLane("deliver/recipient.test", later(60_000), "rate")]);
    await retryQueue(app, {});
    expect(await nextAtOf(app, "recipient.test")).toEqual(later(60_000));
  });

  test("bounced deliveries are told of and gone from the queue, and suppress nobody", async () => {
    const { app, later, add } = await scene(await open());
    const all = await add({}, { deferredUntil: later(hourMs) }, { scheduledAt: later(hourMs) });
    expect(await bounceQueue(app, { domain: "recipient.test" }, "the list was wrong")).toEqual({
      ...{ matched: 3, changed: 3, busy: 0 },
    });
    const said = "Bounced by an operator: the list was wrong";
    for (const each of all) {
      expect(await lookAt(app, each)).toEqual({
        ...{ state: "bounced", lastReply: said, lastEvent: "bounced", job: undefined },
        ...{ nextAttemptAt: null, settledAt: app.now() },
      });
      expect(await eventsOf(app, each)).toMatchObject([
        {
          type: "email.bounced",
          deliveryId: each.id,
          recipient: "bob@recipient.test",
          data: { bounce: { type: "Permanent", class: "policy", message: said } },
        },
      ]);
    }
    expect(await app.db.values(sql`select count(*) from suppressions`)).toEqual([[0]]);
    expect(await app.db.values(sql`select total from counters where event = 'email.bounced'`)).toEqual([[3]]);
    expect(await nextAtOf(app, "recipient.test")).toBeNull();
    expect(await bounceQueue(app, {})).toEqual({ matched: 0, changed: 0, busy: 0 });
  });

  test("canceled deliveries end as if nobody had asked for them", async () => {
    const { app, add } = await scene(await open());
    const [one, kept] = await add({ tags: [{ name: "news", value: "1" }] }, {});
    expect(await cancelQueue(app, { tag: "news" })).toEqual({ matched: 1, changed: 1, busy: 0 });
    expect(await lookAt(app, one!)).toMatchObject({
      ...{ state: "canceled", lastReply: "Canceled by an operator", lastEvent: "canceled", job: undefined },
    });
    expect((await eventsOf(app, one!)).map(({ type }) => type)).toEqual(["email.canceled"]);
    expect(await lookAt(app, kept!)).toMatchObject({ state: "queued", job: { node: null } });
  });

  test("what is being attempted is left alone, whatever is done to the rest", async () => {
    const { app, later, add } = await scene(await open());
    const [busy] = await add({}, { deferredUntil: later(hourMs) });
    await takeJob(app, busy!.id);
    const before = await lookAt(app, busy!);
    expect(await pauseQueue(app, {})).toEqual({ matched: 2, changed: 1, busy: 1 });
    expect(await resumeQueue(app, { lane: "recipient.test" })).toEqual({ matched: 2, changed: 1, busy: 1 });
    expect(await bounceQueue(app, { lane: "recipient.test" })).toEqual({ matched: 2, changed: 1, busy: 1 });
    expect(await cancelQueue(app, {})).toEqual({ matched: 1, changed: 0, busy: 1 });
    expect(await lookAt(app, busy!)).toEqual(before);
  });

  test("a delivery that was begun after it was seen is not ended, and the others are", async () => {
    const { app, add } = await scene(await open());
    const all = await add({}, {}, {}, {}, {});
    const [seen] = await Array.fromAsync(walkWaiting(app.db, {}, app.now(), "later"));
    await takeJob(app, all[2]!.id);
    const how = { state: "bounced" as const, said: "Bounced", data: {} };
    expect(await endUnsent(app, seen!, how)).toBe(4);
    const states = await Promise.all(all.map(async (each) => (await lookAt(app, each)).state));
    expect(states).toEqual(["bounced", "bounced", "queued", "bounced", "bounced"]);
    expect(await eventsOf(app, all[2]!)).toEqual([]);
    // Tried and put back meanwhile: no longer what the operator saw, so it needs a new look.
    await app.transport.batch([{ sql: "update jobs set node = null, lease_until = null", params: [] }]);
    expect(await endUnsent(app, seen!, how)).toBe(0);
    expect(await bounceQueue(app, {})).toEqual({ matched: 1, changed: 1, busy: 0 });
  });

  test("two operators at once do each thing once", async () => {
    const { app, add } = await scene(await open());
    const all = await add(...Array.from({ length: 30 }, () => ({})));
    const [bounced, canceled] = await Promise.all([bounceQueue(app, {}), cancelQueue(app, {})]);
    expect(bounced.changed + canceled.changed).toBe(30);
    for (const each of all) expect(await eventsOf(app, each)).toHaveLength(1);
    expect(await app.db.values(sql`select count(*) from jobs`)).toEqual([[0]]);
  });

  test("every slice is found through an index", async () => {
    const seen: { sql: string; params: Parameters<Transport["query"]>[1] }[] = [];
    const transport = await open();
    const { app, add } = await scene({
      ...transport,
      query(text, params, method) {
        seen.push({ sql: text, params });
        return transport.query(text, params, method);
      },
    });
    await add({});
    seen.length = 0;
    await countQueue(app, { olderThanMs: 1 });
    await pauseQueue(app, { lane: "recipient.test" });
    await resumeQueue(app, { lane: "recipient.test" });
    const plans = [];
    for (const { sql: text, params } of seen.filter((each) => each.sql.includes("from jobs"))) {
      const { rows } = await transport.query(`explain query plan ${text}`, params, "values");
      plans.push(rows.flat().filter((cell) => typeof cell === "string"));
    }
    expect(plans.length).toBeGreaterThan(5);
    for (const plan of plans.flat()) expect(plan).not.toMatch(/^SCAN (j|jobs)\b|TEMP B-TREE FOR ORDER/);
    expect(plans.flat().join("\n")).toMatch(/SEARCH j USING (COVERING )?INDEX jobs_ready \(lane=\?/);
  });
});

describe("a queue of several slices", () => {
  test.each([
    ["by id", {}],
    ["by lane", { lane: "recipient.test" }],
  ])("is walked once, %s", async (_, filter) => {
    const { app, later, add } = await scene();
    const every = Array.from({ length: 4_100 }, (_each, at) => ({
      deferredUntil: later(1_000 * (at % 700)),
    }));
    await add(...every);
    app.clock.advance(350_000);
    expect((await countQueue(app, filter)).count).toBe(4_100);
    // All that move, move where the walk has been already.
    expect(await retryQueue(app, filter)).toMatchObject({ matched: 4_100, busy: 0 });
    expect(await pauseQueue(app, filter)).toEqual({ matched: 4_100, changed: 4_100, busy: 0 });
    expect(await resumeQueue(app, filter)).toEqual({ matched: 4_100, changed: 4_100, busy: 0 });
  });
});

test("while deliveries are sent, each is either sent or bounced, and none is lost", async () => {
  const { app, add } = await scene();
  const all = await add(...Array.from({ length: 600 }, (_, at) => ({ domain: `d${at % 40}.test` })));
  const sent = new Set<string>();
  const delivering = handle(deliver, async (_app, { deliveryId }) => {
    sent.add(deliveryId);
    await new Promise((resolve) => setImmediate(resolve));
    const text = "update deliveries set state = 'delivered' where id = ? and state = 'queued'";
    const built = { sql: text, params: [deliveryId] };
    return done([{ toSQL: () => built }]);
  });
  const dispatcher = await startDispatcher(app, [delivering], { node: "a" });
  const [{ changed }] = await Promise.all([bounceQueue(app, {}), pauseQueue(app, { domain: "d7.test" })]);
  await resumeQueue(app, {});
  await dispatcher.drained();
  await dispatcher.stop();

  const states = new Map(await app.db.values<[string, string]>(sql`select id, state from deliveries`));
  const bounced = all.filter(({ id }) => states.get(id) === "bounced");
  expect(bounced).toHaveLength(changed);
  expect(bounced.filter(({ id }) => sent.has(id))).toEqual([]);
  expect(all.filter(({ id }) => states.get(id) === "delivered")).toHaveLength(600 - changed);
  expect(await app.db.values(sql`select count(*) from jobs`)).toEqual([[0]]);
  expect(await app.db.values(sql`select count(*) from events where type = 'email.bounced'`)).toEqual([
    [changed],
  ]);
});

test("an email of which an operator cancels one recipient is still its client's to take back", async () => {
  const { app, teamId, later } = await scene();
  await testDomain(app, teamId);
  const { id } = await sendEmail(
    app,
    { teamId },
    {
      ...{ from: "ada@example.com", to: ["x@one.test", "y@two.test"], cc: [], bcc: [], replyTo: [] },
      ...{ subject: "Later", text: "Later", headers: {}, tags: [], attachments: [] },
      scheduledAt: later(hourMs),
    },
  );
  expect(await cancelQueue(app, { teamId, domain: "one.test" })).toMatchObject({ changed: 1 });
  expect(await getEmail(app, teamId, id)).toMatchObject({ lastEvent: "scheduled" });
  await cancelEmail(app, teamId, id);
  expect(await getEmail(app, teamId, id)).toMatchObject({ lastEvent: "canceled" });
  expect(await countQueue(app, { teamId })).toMatchObject({ count: 0 });
});
