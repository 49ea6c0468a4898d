import { describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { type DeliveryScene, deliveryScene } from "../../test/support/delivery-scene.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting, takeJob } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { getEmail } from "../emails/read.ts";
import { deliveries } from "../emails/schema.ts";
import { counters, events } from "../events/schema.ts";
import { newId } from "../ids.ts";
import type { Held } from "../jobs/job.ts";
import { jobs } from "../jobs/schema.ts";
import { composeDsn, type Dsn } from "../mail/dsn.ts";
import { parseMessage } from "../mail/parse.ts";
import { readReport } from "../mail/report.ts";
import { findSuppression } from "../suppressions/store.ts";
import { getDeliveries } from "./read.ts";
import { reporting } from "./reports.ts";

const bob = "bob@recipient.test";
const held: Held = {
  id: "held",
  attempt: 1,
  createdAt: new Date(0),
  lane: "",
  signal: new AbortController().signal,
};

/** What the job brings when a host's DSN has come to the return path of a delivery. */
async function come(
  app: TestApp,
  deliveryId: string | null,
  changes: Partial<Dsn> = {},
  payload: object = {},
) {
  const dsn = composeDsn({
    messageId: "<dsn@mx.recipient.test>",
    date: app.now(),
    reportingHost: "store.recipient.test",
    to: "bounce@send.example.com",
    action: "failed",
    status: "5.1.1",
    recipient: bob,
    diagnostic: "550 5.1.1 No such user",
    original: Buffer.from("Subject: Hi\r\n\r\n"),
    ...changes,
  });
  const report = readReport(await parseMessage(dsn));
  const role = "return_path";
  return reporting.run(
    app,
    { inboundId: newId(), report, deliveryId, role, isAutomatic: true, ...payload },
    held,
  );
}

async function total(app: TestApp, event: (typeof counters.$inferSelect)["event"]): Promise<number> {
  const rows = await app.db.select().from(counters).where(eq(counters.event, event));
  return rows.reduce((sum, row) => sum + row.total, 0);
}

async function delivered(open?: Parameters<Parameters<typeof eachTransport>[0]>[1]) {
  const here = await deliveryScene({}, open ? { transport: await open() } : {});
  const id = await here.send();
  const { id: deliveryId } = await here.onlyDelivery(id);
  here.app.clock.advance(60_000);
  return { ...here, id, deliveryId };
}
const outcomes = ["email.queued", `email.sent ${bob}`, `email.delivered ${bob}`];

/** All that a report could have changed. */
async function everything(
  { app, teamId, events: eventsOf, onlyDelivery, attempts }: DeliveryScene,
  id: string,
) {
  return {
    delivery: await onlyDelivery(id),
    events: await eventsOf(id),
    attempts: await attempts(id),
    email: await getEmail(app, teamId, id),
    suppression: await findSuppression(app.db, teamId, bob, app.now()),
  };
}

eachTransport((_name, open) => {
  test("what a host took and could not deliver has bounced, late, and its dead address is suppressed", async () => {
    const { app, teamId, id, deliveryId, ...here } = await delivered(open);
    expect(await come(app, deliveryId)).toMatchObject({ kind: "done", writes: [] });

    const said = "reported later by store.recipient.test: 550 5.1.1 No such user";
    expect(await here.onlyDelivery(id)).toMatchObject({
      ...{
        state: "bounced",
        attempts: 1,
        lastReply: said,
        mxHost: "mx.recipient.test",
        settledAt: app.now(),
      },
    });
    expect(await here.events(id)).toEqual([...outcomes, `email.bounced ${bob}`]);
    const [told] = await app.db.select().from(events).where(eq(events.type, "email.bounced"));
    expect(told!.data).toEqual({
      bounce: {
        type: "Permanent",
        subType: "NoEmail",
        class: "recipient",
        message: "550 5.1.1 No such user",
        diagnosticCode: ["smtp; 550 5.1.1 No such user"],
      },
    });
    expect(await getEmail(app, teamId, id)).toMatchObject({ lastEvent: "bounced" });
    expect(await findSuppression(app.db, teamId, bob, app.now())).toMatchObject({
      reason: "bounce",
      sourceId: id,
    });
    expect([await total(app, "email.bounced"), await total(app, "email.bounced_late")]).toEqual([1, 1]);
    expect(await total(app, "email.bounced_permanent")).toBe(1);
  });

  test("a second report, or the same job run twice, changes nothing", async () => {
    const here = await delivered(open);
    const { app, id, deliveryId } = here;
    await Promise.all([come(app, deliveryId), come(app, deliveryId)]);
    const before = await everything(here, id);
    app.clock.advance(60_000);
    expect(await come(app, deliveryId, { diagnostic: "550 5.7.1 Spam" })).toMatchObject({ kind: "done" });
    expect(await come(app, deliveryId, { action: "delayed" })).toMatchObject({ kind: "done" });
    expect(await everything(here, id)).toEqual(before);
    expect(before.events).toHaveLength(4);
    expect(await total(app, "email.bounced_late")).toBe(1);
  });

  test("trouble further on is told of once, and the delivery stays delivered", async () => {
    const here = await delivered(open);
    const { app, id, teamId, deliveryId } = here;
    const delay = { action: "delayed", status: "4.4.1", diagnostic: "451 4.4.1 Timed out" } as const;
    await Promise.all([come(app, deliveryId, delay), come(app, deliveryId, delay)]);
    await come(app, deliveryId, delay);
    expect(await here.events(id)).toEqual([...outcomes, `email.delivery_delayed ${bob}`]);
    expect(await here.onlyDelivery(id)).toMatchObject({
      state: "delivered",
      lastReply: expect.stringMatching(/^250/),
    });
    expect(await getEmail(app, teamId, id)).toMatchObject({ lastEvent: "delivered" });
    expect((await here.attempts(id)).map(({ outcome }) => outcome)).toEqual(["delivered", "deferred"]);
    await atomically(app, [rawWrite("delete from events", [])]); // kept for a time alone
    await come(app, deliveryId, delay);
    expect(await here.events(id)).toEqual([]);
    await come(app, deliveryId);
    expect(await here.onlyDelivery(id)).toMatchObject({ state: "bounced" });
  });

  test("a delivery that is tried again though its host had the message ends with the host's report", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const [open1] = await addWaiting(app, teamId, {
      lane: "mx.test",
      deferredUntil: new Date("2026-03-01T13:00:00Z"),
    });
    expect(await come(app, open1!.id)).toMatchObject({ kind: "done" });
    expect(await app.db.select().from(jobs)).toEqual([]);
    expect(await app.db.select().from(deliveries)).toMatchObject([{ state: "bounced", nextAttemptAt: null }]);
    expect([await total(app, "email.bounced"), await total(app, "email.bounced_late")]).toEqual([1, 0]);
  });

  test("a delivery that is tried again though its host had delivered the message ends with the host's word", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const [waiting] = await addWaiting(app, teamId, {
      lane: "mx.test",
      deferredUntil: new Date("2026-03-01T13:00:00Z"),
    });
    const success = { action: "delivered", status: "2.0.0", diagnostic: undefined } as const;
    expect(await come(app, waiting!.id, success)).toMatchObject({ kind: "done" });
    expect(await app.db.select().from(jobs)).toEqual([]);
    expect(await app.db.select().from(deliveries)).toMatchObject([
      {
        ...{ state: "delivered", nextAttemptAt: null, settledAt: app.now() },
        lastReply: "reported later by store.recipient.test: 2.0.0",
      },
    ]);
    expect([await total(app, "email.delivered"), await total(app, "email.bounced")]).toEqual([1, 0]);
    expect(await come(app, waiting!.id, success)).toEqual({ kind: "done", writes: [] });
    expect(await total(app, "email.delivered")).toBe(1);
  });

  test("a report waits for the attempt that is under way, and then counts", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const [open1] = await addWaiting(app, teamId, { lane: "mx.test" });
    await takeJob(app, open1!.id);
    expect(await come(app, open1!.id)).toMatchObject({ kind: "again" });
    expect(await app.db.select().from(deliveries)).toMatchObject([{ state: "queued" }]);
    expect(await total(app, "email.bounced")).toBe(0);
    await atomically(app, [
      app.db.delete(jobs),
      app.db.update(deliveries).set({ state: "delivered", settledAt: app.now() }),
    ]);
    expect(await come(app, open1!.id)).toMatchObject({ kind: "done" });
    expect(await app.db.select().from(deliveries)).toMatchObject([{ state: "bounced" }]);
    expect(await total(app, "email.bounced_late")).toBe(1);
  });
});

test("a report that meets another state than it saw writes nothing, and is taken up again", async () => {
  const { app, deliveryId, ...here } = await delivered();
  const { batch } = app.transport;
  // Between the look and the write another writer has its turn.
  let turns = 0;
  app.transport.batch = async (...args) => {
    app.transport.batch = batch;
    turns++;
    await atomically(app, [app.db.update(deliveries).set({ state: "deferred" })]);
    return batch(...args);
  };
  expect(await come(app, deliveryId)).toMatchObject({ kind: "again" });
  expect(turns).toBe(1);
  expect(await here.events(here.id)).toEqual(outcomes);
  await come(app, deliveryId);
  expect(await here.onlyDelivery(here.id)).toMatchObject({ state: "bounced" });
});

describe("nothing changes by", () => {
  const failing = { action: "failed" } as const;
  test.each<[string, Partial<Dsn>, (deliveryId: string) => [string | null, object]]>([
    ["a report at an address without a good token", failing, () => [null, {}]],
    ["a report at another address of ours", failing, (id) => [id, { role: "abuse" }]],
    ["the answer of a person or a machine", failing, (id) => [id, { report: null }]],
    ["a report of success", { action: "delivered", status: "2.0.0" }, (id) => [id, {}]],
    ["a report of a host that sends none", { action: "relayed", status: "2.0.0" }, (id) => [id, {}]],
    ["a report about a delivery that is gone", failing, () => [newId(), {}]],
  ])("%s", async (_name, changes, how) => {
    const here = await delivered();
    const before = await everything(here, here.id);
    const [deliveryId, payload] = how(here.deliveryId);
    expect(await come(here.app, deliveryId, changes, payload)).toEqual({ kind: "done", writes: [] });
    expect(await everything(here, here.id)).toEqual(before);
  });

  test.each(["bounced", "failed", "suppressed", "canceled"] as const)(
    "a report about a delivery that is %s already",
    async (state) => {
      const here = await delivered();
      await atomically(here.app, [here.app.db.update(deliveries).set({ state })]);
      const before = await everything(here, here.id);
      expect(await come(here.app, here.deliveryId)).toEqual({ kind: "done", writes: [] });
      expect(await everything(here, here.id)).toEqual(before);
    },
  );
});

test.each<[string, Partial<Dsn>, object]>([
  [
    "what the far side gave up bounces as transient",
    { status: "4.4.7", diagnostic: "450 4.1.1 No such user, yet" },
    { type: "Transient" },
  ],
  [
    "a block for spam is about us",
    { status: "5.7.1", diagnostic: "550 5.7.1 Message rejected as spam" },
    { type: "Permanent", subType: expect.not.stringMatching("NoEmail") },
  ],
  ["another mailbox behind the recipient's", { finalRecipient: "x@elsewhere.test" }, { subType: "NoEmail" }],
])("%s, and suppresses nobody", async (_name, changes, bounce) => {
  const { app, teamId, id, deliveryId, onlyDelivery } = await delivered();
  await come(app, deliveryId, changes);
  expect(await onlyDelivery(id)).toMatchObject({ state: "bounced" });
  const [told] = await app.db.select().from(events).where(eq(events.type, "email.bounced"));
  expect(told!.data).toMatchObject({ bounce });
  expect(await findSuppression(app.db, teamId, bob, app.now())).toBeUndefined();
});

test("a report is about the one delivery whose return path it came to", async () => {
  const here = await deliveryScene();
  const id = await here.send({ to: [bob, "carol@recipient.test"] });
  const [first, second] = await here.deliveries(id);
  await come(here.app, second!.id, { recipient: second!.recipient });
  expect(await here.deliveries(id)).toMatchObject([
    { id: first!.id, state: "delivered" },
    { id: second!.id, state: "bounced" },
  ]);
});

test("a delivery's history and status say who reported what, and when", async () => {
  const { app, teamId, id, deliveryId } = await delivered();
  await come(app, deliveryId);
  const [shown] = await getDeliveries(app, teamId, id);
  expect(shown!.status).toBe(
    "Bounced at 2026-03-01T12:01:00Z: reported later by store.recipient.test: 550 5.1.1 No such user.",
  );
  expect(shown!.history).toMatchObject([
    {
      ...{ number: 1, position: 1, outcome: "bounced", class: "recipient", host: "store.recipient.test" },
      said: "reported later by store.recipient.test: 550 5.1.1 No such user",
    },
    { number: 1, position: 0, outcome: "delivered" },
  ]);
});
