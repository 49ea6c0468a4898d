import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { add, gate, jobsLeft as left, dispatch as start, work } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { startDispatcher } from "./dispatcher.ts";
import { again, done, handle } from "./job.ts";
import { blockLane, claimJobs, findLane } from "./store.ts";

test("a job runs once, with its payload, and is gone", async () => {
  const app = await testApp();
  const seen: string[] = [];
  await using dispatcher = await start(app, [
    handle(work, async (_app, { name }, { attempt }) => {
      seen.push(`${name} ${attempt}`);
      return done();
    }),
  ]);
  await add(app, "one");
  await add(app, "two", { lane: "x" });
  await dispatcher.drained();
  expect(seen.toSorted()).toEqual(["one 1", "two 1"]);
  expect(await left(app)).toEqual([]);
});

test("what a handler returns is written in the batch that ends its job", async () => {
  const app = await testApp();
  await using dispatcher = await start(app, [
    handle(work, async () =>
      done([rawWrite("insert into teams (id, name, created_at) values ('t', 'x', 1)")]),
    ),
  ]);
  await add(app, "one");
  await dispatcher.drained();
  expect(await app.db.values(sql`select name from teams`)).toEqual([["x"]]);
});

test("a job that is not due waits, and is due when the clock says so", async () => {
  const app = await testApp();
  const seen: string[] = [];
  await using dispatcher = await start(app, [
    handle(work, async (_app, { name }) => {
      seen.push(name);
      return done();
    }),
  ]);
  await add(app, "later", { runAt: new Date(app.now().getTime() + 60_000) });
  await dispatcher.drained();
  expect(seen).toEqual([]);
  app.clock.advance(60_000);
  await dispatcher.drained();
  expect(seen).toEqual(["later"]);
});

test("a job put back runs again at its time and counts its attempts", async () => {
  const app = await testApp();
  const attempts: number[] = [];
  await using dispatcher = await start(app, [
    handle(work, async (_app, _payload, { attempt }) => {
      attempts.push(attempt);
      return attempt === 1 ? again(new Date(app.now().getTime() + 5_000), "not yet") : done();
    }),
  ]);
  await add(app, "one");
  await dispatcher.drained();
  expect(await left(app)).toMatchObject([{ attempts: 1, lastError: "not yet", node: null }]);
  app.clock.advance(5_000);
  await dispatcher.drained();
  expect(attempts).toEqual([1, 2]);
  expect(await left(app)).toEqual([]);
});

test("a handler that fails leaves its job waiting, with the reason", async () => {
  const app = await testApp();
  await using dispatcher = await start(app, [
    handle(work, async () => {
      throw new Error("no luck");
    }),
  ]);
  await add(app, "one");
  await dispatcher.drained();
  const [job] = await left(app);
  expect(job).toMatchObject({ attempts: 1, lastError: "no luck", node: null });
  expect(job!.runAt.getTime()).toBeGreaterThan(app.now().getTime());
});

test("a kind nobody handles waits for a version that does", async () => {
  const app = await testApp();
  await using dispatcher = await start(app, []);
  await add(app, "one");
  await dispatcher.drained();
  expect(await left(app)).toMatchObject([{ attempts: 0, node: null }]);
});

test("a lane has no more in flight than its permits, and other lanes go on meanwhile", async () => {
  const app = await testApp();
  const { handler, started, until, open, most } = gate();
  await using dispatcher = await start(app, [handler]);
  for (const name of ["a1", "a2", "a3", "a4"]) await add(app, name, { lane: "a" });
  await until(2);
  await add(app, "b1", { lane: "b" });
  await until(3);
  expect(started).toEqual(["a1", "a2", "b1"]);
  expect(most()).toBe(3);
  open();
  await until(5);
  open();
  await dispatcher.drained();
  expect(started.toSorted()).toEqual(["a1", "a2", "a3", "a4", "b1"]);
  expect(most()).toBe(3);
});

test("a blocked lane waits for its time, whatever is added to it", async () => {
  const app = await testApp();
  const seen: string[] = [];
  await using dispatcher = await start(app, [
    handle(work, async (_app, { name }) => {
      seen.push(name);
      return done();
    }),
  ]);
  const until = new Date(app.now().getTime() + 30_000);
  await atomically(app, [blockLane("work/slow", until, "421 too many connections")]);
  await add(app, "one", { lane: "slow" });
  await dispatcher.drained();
  expect(seen).toEqual([]);
  expect(await findLane(app.db, "work/slow")).toMatchObject({
    nextAt: until,
    blockedBy: "421 too many connections",
  });
  app.clock.advance(30_000);
  await dispatcher.drained();
  expect(seen).toEqual(["one"]);
});

test("a holder whose lease ended can't end the job any more: the newer hold's ending counts", async () => {
  const app = await testApp();
  const { handler, until, open } = gate();
  await using first = await start(app, [handler]);
  await add(app, "one");
  await until(1);
  // The lease runs out unnoticed (a stopped machine), and another node takes the job over.
  await app.transport.batch([
    { sql: "update jobs set node = null, lease_until = null", params: [] },
    { sql: "update lanes set next_at = 0", params: [] },
  ]);
  const now = app.now();
  const [claimed] = await atomically(app, [claimJobs("b", "work", now, new Date(now.getTime() + 60_000), 1)]);
  expect(claimed!.rows).toHaveLength(1);
  open();
  await first.drained();
  expect(await left(app)).toMatchObject([{ node: "b", fence: 2 }]);
});

test("leases that ended go back to ready, and another node does the job", async () => {
  const app = await testApp();
  await add(app, "one");
  const now = app.now();
  await atomically(app, [claimJobs("dead", "work", now, new Date(now.getTime() + 60_000), 1)]);
  const seen: string[] = [];
  await using dispatcher = await start(
    app,
    [
      handle(work, async (_app, { name }) => {
        seen.push(name);
        return done();
      }),
    ],
    { leaseMs: 0 },
  );
  await dispatcher.drained();
  expect(seen).toEqual([]);
  app.clock.advance(60_001);
  await dispatcher.drained();
  expect(seen).toEqual(["one"]);
});

test("at start a node frees what it held in its earlier life", async () => {
  const app = await testApp();
  await add(app, "mine");
  const now = app.now();
  await atomically(app, [claimJobs("a", "work", now, new Date(now.getTime() + 3_600_000), 1)]);
  const seen: string[] = [];
  await using dispatcher = await start(app, [
    handle(work, async (_app, { name }) => {
      seen.push(name);
      return done();
    }),
  ]);
  app.clock.advance(5_000); // overdue lanes are spread over this long
  await dispatcher.drained();
  expect(seen).toEqual(["mine"]);
});

test("a stop releases what did not finish, without counting the attempt", async () => {
  const app = await testApp();
  const { handler, until } = gate();
  const dispatcher = await startDispatcher(app, [handler], { node: "a", graceMs: 20 });
  await add(app, "one");
  await until(1);
  await dispatcher.stop();
  expect(await left(app)).toMatchObject([{ node: null, attempts: 0 }]);
  expect((await findLane(app.db, "work"))?.nextAt).toEqual(app.now());
});

test("a stop tells handlers that can end early, and writes their endings", async () => {
  const app = await testApp();
  const dispatcher = await startDispatcher(
    app,
    [
      handle(work, async (_app, _payload, { signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        return again(new Date(app.now().getTime() + 1), "stopping");
      }),
    ],
    { node: "a", graceMs: 50 },
  );
  await add(app, "one");
  while (dispatcher.inFlight() === 0) await new Promise((resolve) => setImmediate(resolve));
  await dispatcher.stop();
  expect(await left(app)).toMatchObject([{ node: null, lastError: "stopping" }]);
});

test("an ending that can't be stored now is stored later, and the work is not done twice", async () => {
  const app = await testApp();
  let runs = 0;
  await using dispatcher = await start(app, [
    handle(work, async () => {
      runs++;
      // Nothing can be written from here on, until the timer says otherwise.
      await app.transport.query("pragma query_only = on", [], "all");
      setTimeout(() => void app.transport.query("pragma query_only = off", [], "all"), 20);
      return done();
    }),
  ]);
  await add(app, "one");
  await dispatcher.drained();
  expect(runs).toBe(1);
  expect(await left(app)).toEqual([]);
});

test("an ending the database refuses puts the job back with the reason, instead of doing the work again at once", async () => {
  const app = await testApp();
  let runs = 0;
  await using dispatcher = await start(app, [
    handle(work, async () => {
      runs++;
      return done([rawWrite("insert into teams (id, name, created_at) values (null, 'x', 1)")]);
    }),
  ]);
  await add(app, "one");
  await dispatcher.drained();
  expect(runs).toBe(1);
  const [job] = await left(app);
  expect(job).toMatchObject({ node: null, lastError: expect.stringContaining("not_null") });
  expect(job!.runAt.getTime()).toBeGreaterThan(app.now().getTime());
});

test("a payload that can't be read fails its own job and no other", async () => {
  const app = await testApp();
  const seen: string[] = [];
  await add(app, "bad");
  await atomically(app, [rawWrite("update jobs set payload = '{'")]);
  await add(app, "good");
  await using dispatcher = await start(app, [
    handle(work, async (_app, { name }) => {
      seen.push(name);
      return done();
    }),
  ]);
  app.clock.advance(5_000); // overdue lanes are spread over this long
  await dispatcher.drained();
  expect(seen).toEqual(["good"]);
  expect((await app.db.values(sql`select last_error from jobs`)).flat()).toEqual([
    expect.stringContaining("JSON"),
  ]);
});

test("a job that comes back to the node which still works on it is not done twice, and its ending counts", async () => {
  const app = await testApp();
  const { handler, started, until, open } = gate();
  await using dispatcher = await start(app, [handler]);
  await add(app, "one");
  await until(1);
  // Another node thought this one dead and freed the lease.
  await atomically(app, [
    rawWrite("update jobs set node = null, lease_until = null"),
    rawWrite("update lanes set next_at = 0"),
  ]);
  await add(app, "two", { lane: "other" });
  await until(2);
  open();
  await dispatcher.drained();
  expect(started).toEqual(["one", "two"]);
  expect(await left(app)).toEqual([]);
});
