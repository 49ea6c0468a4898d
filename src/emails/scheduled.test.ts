import { describe, expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { sql } from "drizzle-orm";
import { draft } from "../../test/support/delivery-scene.ts";
import { dispatch, waitFor } from "../../test/support/dispatching.ts";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting, lookAt } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { openDb } from "../db/open.ts";
import type { Transport } from "../db/transport.ts";
import { pauseQueue, resumeQueue } from "../delivery/queue.ts";
import type { Domain } from "../domains/schema.ts";
import { deleteDomain } from "../domains/service.ts";
import { updateDomainRow } from "../domains/store.ts";
import { newId } from "../ids.ts";
import { done, handle } from "../jobs/job.ts";
import { pauseLane } from "../jobs/pause.ts";
import { claimJobs, findLane } from "../jobs/store.ts";
import { suppress } from "../suppressions/suppress.ts";
import { deliver } from "./jobs.ts";
import { cancelEmail, rescheduleEmail } from "./scheduled.ts";
import { sendEmail } from "./send.ts";
import { findEmail, listDeliveries } from "./store.ts";

const hourMs = 3_600_000;

async function scene(transport?: Transport) {
  const app = await testApp({ now: new Date(), transport });
  const { teamId } = await testTeam(app);
  const at = new Date(app.now().getTime() + hourMs);
  const domain = await testDomain(app, teamId);
  const [delivery] = await addWaiting(app, teamId, { scheduledAt: at, domainId: domain.id });
  return {
    ...{ app, teamId, at, domain, delivery: delivery!, id: delivery!.emailId },
    cancel: () => cancelEmail(app, teamId, delivery!.emailId),
    moveTo: (to: Date) => rescheduleEmail(app, teamId, delivery!.emailId, to),
    look: () => lookAt(app, delivery!),
    later: (hours: number) => new Date(at.getTime() + hours * hourMs),
    claim: () => claim(app),
  };
}

/** As the dispatcher does, from the lane that addWaiting uses; gives what it got. */
async function claim(app: TestApp, node = "a") {
  const now = app.now();
  const until = new Date(now.getTime() + 60_000);
  const [claimed] = await atomically(app, [claimJobs(node, "deliver/recipient.test", now, until, 10)]);
  return claimed!.rows;
}

const eventsOf = async (app: TestApp, emailId: string) =>
  (
    await app.db.values<[string]>(sql`select type from events where email_id = ${emailId} order by id`)
  ).flat();

const refusal = (verb: string, why: string) => `Only a scheduled email can be ${verb}: this one ${why}.`;

eachTransport((_name, open) => {
  test("a canceled email is settled in every place: email, delivery, queue, lane, event and counter", async () => {
    const { app, id, cancel, look } = await scene(await open());
    expect(await cancel()).toEqual({ id });
    expect(await look()).toEqual({
      state: "canceled",
      lastReply: "Canceled before its time",
      lastEvent: "canceled",
      nextAttemptAt: null,
      settledAt: app.now(),
      job: undefined,
    });
    expect(await findLane(app.db, "deliver/recipient.test")).toMatchObject({ nextAt: null });
    expect(await eventsOf(app, id)).toEqual(["email.canceled"]);
    expect(await app.db.values(sql`select event, total from counters`)).toEqual([["email.canceled", 1]]);
  });

  test("a rescheduled email's job, delivery and lane move with it, later and sooner", async () => {
    const { app, teamId, id, look, moveTo, later } = await scene(await open());
    for (const to of [later(5), later(-0.5)]) {
      await moveTo(to);
      expect(await look()).toMatchObject({ nextAttemptAt: to, lastEvent: "scheduled", job: { runAt: to } });
      expect(await findLane(app.db, "deliver/recipient.test")).toMatchObject({ nextAt: to });
      expect(await findEmail(app.db, teamId, id)).toMatchObject({ scheduledAt: to });
    }
    expect(await eventsOf(app, id)).toEqual([]);
  });

  test("a lane goes on waiting for what else is in it", async () => {
    const { app, teamId, at, cancel, moveTo, later } = await scene(await open());
    await addWaiting(app, teamId, { scheduledAt: later(1) });
    const nextAt = async () => (await findLane(app.db, "deliver/recipient.test"))?.nextAt;
    expect(await nextAt()).toEqual(at);
    await moveTo(later(2));
    expect(await nextAt()).toEqual(later(1));
    await cancel();
    expect(await nextAt()).toEqual(later(1));
  });

  test("of cancels at the same moment one succeeds, and there is one event", async () => {
    const { app, id, cancel } = await scene(await open());
    const results = await Promise.allSettled([cancel(), cancel(), cancel()]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(await eventsOf(app, id)).toEqual(["email.canceled"]);
  });

  test("a node that takes the email on and a cancel at the same moment never both have it", async () => {
    const transport = await open();
    const app = await testApp({ now: new Date(), transport });
    const { teamId } = await testTeam(app);
    const elsewhere: TestApp = { ...app, transport: transport.another() };
    elsewhere.db = openDb(elsewhere.transport);
    for (let round = 0; round < 12; round++) {
      const [waiting] = await addWaiting(app, teamId, { scheduledAt: app.now() });
      const cancel = () =>
        cancelEmail(app, teamId, waiting!.emailId).then(
          () => true,
          () => false,
        );
      const take = async () => {
        for (let turn = 0; turn < round; turn++) await setImmediate(); // each time a little later
        return (await claim(elsewhere, "b")).length === 1;
      };
      const [isCanceled, isTaken] = await Promise.all([cancel(), take()]);
      expect(isTaken).toBe(!isCanceled);
      expect(await lookAt(app, waiting!)).toMatchObject(
        isCanceled ? { state: "canceled", lastEvent: "canceled" } : { state: "queued", job: { node: "b" } },
      );
    }
  });
});

test("what the dispatcher works on is neither canceled nor moved", async () => {
  const { app, at, cancel, moveTo, later, look } = await scene();
  const finish = Promise.withResolvers<void>();
  let started = false;
  const handler = handle(deliver, async () => {
    started = true;
    await finish.promise;
    return done();
  });
  await using dispatcher = await dispatch(app, [handler]);
  app.clock.set(at);
  app.jobsDue.notify(at);
  await waitFor(() => started);
  expect(cancel()).rejects.toThrow(refusal("canceled", "is being sent"));
  expect(moveTo(later(1))).rejects.toThrow(refusal("rescheduled", "is being sent"));
  expect(await look()).toMatchObject({ state: "queued", lastEvent: "scheduled" });
  finish.resolve();
  await dispatcher.drained();
});

test("the dispatcher never meets a canceled email, and a moved one at its new time", async () => {
  const { app, teamId, at, domain, cancel, moveTo, later } = await scene();
  const seen: string[] = [];
  const handler = handle(deliver, async (_app, { deliveryId }) => {
    seen.push(deliveryId);
    return done();
  });
  const [moved] = await addWaiting(app, teamId, { scheduledAt: at, domainId: domain.id });
  await using dispatcher = await dispatch(app, [handler]);
  await cancel();
  await rescheduleEmail(app, teamId, moved!.emailId, later(1));
  expect(moveTo(later(1))).rejects.toThrow("canceled");
  app.clock.set(at);
  await dispatcher.drained();
  expect(seen).toEqual([]);
  app.clock.set(later(1));
  await dispatcher.drained();
  expect(seen).toEqual([moved!.id]);
});

test("an email that a node took on and gave back may be at its recipient: it is not canceled", async () => {
  const { app, at, cancel, claim: take } = await scene();
  app.clock.set(at);
  expect(await take()).toHaveLength(1);
  await app.transport.batch([{ sql: "update jobs set node = null, lease_until = null", params: [] }]);
  expect(cancel()).rejects.toThrow(refusal("canceled", "is being sent"));
});

test("a time that is over makes the email due now, and it is called queued", async () => {
  const { app, teamId, id, cancel, moveTo, later, look } = await scene();
  await moveTo(later(-200));
  expect(await look()).toMatchObject({ lastEvent: "queued", job: { runAt: app.now() } });
  expect(await findEmail(app.db, teamId, id)).toMatchObject({ scheduledAt: app.now() });
  expect(await eventsOf(app, id)).toEqual(["email.queued"]);
  expect(cancel()).rejects.toThrow(
    refusal("canceled", "is not waiting for its time any more (its last event is `queued`)"),
  );
});

describe("what an operator stopped", () => {
  test("stays held when it is moved, and is resumed to its new time", async () => {
    const { app, moveTo, later, look } = await scene();
    await pauseQueue(app, { domain: "recipient.test" });
    await moveTo(later(3));
    const held = await look();
    expect(held).toMatchObject({ nextAttemptAt: null, job: { lastError: expect.stringContaining("Held") } });
    expect(held.job!.runAt.getUTCFullYear()).toBe(9999);
    await resumeQueue(app, { domain: "recipient.test" });
    expect(await look()).toMatchObject({ nextAttemptAt: later(3), job: { runAt: later(3) } });
  });

  test("stays held when it is moved to now, and can be canceled", async () => {
    const held = await scene();
    await pauseQueue(held.app, { domain: "recipient.test" });
    await held.moveTo(held.app.now());
    expect((await held.look()).job!.runAt.getUTCFullYear()).toBe(9999);

    const other = await scene();
    await pauseQueue(other.app, { domain: "recipient.test" });
    await other.cancel();
    expect(await other.look()).toMatchObject({ state: "canceled", job: undefined });
  });

  test("a paused lane stays paused", async () => {
    const { app, moveTo, later } = await scene();
    await atomically(app, pauseLane(app, "deliver/recipient.test", "why"));
    await moveTo(later(-0.5));
    expect((await findLane(app.db, "deliver/recipient.test"))!.nextAt!.getUTCFullYear()).toBe(9999);
  });
});

test("all recipients are canceled or moved together, but for those that were suppressed before", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  await atomically(app, suppress(app, { teamId, address: "gone@recipient.test", reason: "bounce" }));
  const at = new Date(app.now().getTime() + hourMs);
  const to = ["gone@recipient.test", "one@recipient.test", "two@elsewhere.test"];
  const { id } = await sendEmail(app, { teamId }, { ...draft, to, scheduledAt: at });
  const states = async () =>
    (await listDeliveries(app.db, teamId, id)).map(({ state, nextAttemptAt }) => [state, nextAttemptAt]);

  const later = new Date(at.getTime() + hourMs);
  await rescheduleEmail(app, teamId, id, later);
  expect(await states()).toEqual([
    ["suppressed", null],
    ["queued", later],
    ["queued", later],
  ]);
  for (const lane of ["deliver/recipient.test", "deliver/elsewhere.test"]) {
    expect(await findLane(app.db, lane)).toMatchObject({ nextAt: later });
  }
  await cancelEmail(app, teamId, id);
  expect((await states()).map(([state]) => state)).toEqual(["suppressed", "canceled", "canceled"]);
  expect(await app.db.values(sql`select count(*) from jobs`)).toEqual([[0]]);
});

describe("is refused:", () => {
  test("another time where the domain may not send any more; now and never stay possible", async () => {
    const changes: [string, Partial<Domain> | "removed"][] = [
      ["is not verified any more", { verifiedAt: null }],
      ["does not send any more", { sending: false, receiving: true, verifiedAt: null }],
      ["was removed", "removed"],
    ];
    for (const [why, change] of changes) {
      const { app, teamId, id, domain, at, moveTo, later, look } = await scene();
      if (change === "removed") await deleteDomain(app, teamId, domain.id);
      else await atomically(app, [updateDomainRow(app.db, teamId, domain.id, change)]);
      const refused = await moveTo(later(24 * 29)).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "domain_not_verified", message: expect.stringContaining(why) });
      expect(await look()).toMatchObject({ nextAttemptAt: at, lastEvent: "scheduled" });
      await moveTo(app.now());
      expect(await findEmail(app.db, teamId, id)).toMatchObject({ lastEvent: "queued" });
    }
    const { app, teamId, domain, cancel, look } = await scene();
    await deleteDomain(app, teamId, domain.id);
    await cancel();
    expect(await look()).toMatchObject({ state: "canceled" });
  });

  test("a second cancel, and another time for what was canceled", async () => {
    const { app, id, cancel, moveTo, later } = await scene();
    await cancel();
    expect(cancel()).rejects.toThrow(refusal("canceled", "was canceled already"));
    expect(moveTo(later(1))).rejects.toThrow(
      refusal("rescheduled", "was canceled; send it anew with the other time"),
    );
    expect(await eventsOf(app, id)).toEqual(["email.canceled"]);
  });

  test("an email that was never scheduled", async () => {
    const { app, teamId, later } = await scene();
    const [queued] = await addWaiting(app, teamId, {});
    const why = "is not waiting for its time any more (its last event is `queued`)";
    expect(cancelEmail(app, teamId, queued!.emailId)).rejects.toThrow(refusal("canceled", why));
    expect(rescheduleEmail(app, teamId, queued!.emailId, later(1))).rejects.toThrow(
      refusal("rescheduled", why),
    );
  });

  test("another team's email, and one that is not there", async () => {
    const { app, teamId, id, later, look } = await scene();
    const other = await testTeam(app, "Another");
    for (const [team, email] of [
      [other.teamId, id],
      [teamId, newId()],
      [teamId, "x"],
    ] as const) {
      expect(cancelEmail(app, team, email)).rejects.toThrow("Email not found");
      expect(rescheduleEmail(app, team, email, later(1))).rejects.toThrow("Email not found");
    }
    expect(await look()).toMatchObject({ state: "queued", lastEvent: "scheduled" });
  });
});
