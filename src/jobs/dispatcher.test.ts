import { afterEach, expect, test } from "bun:test";
import { Type as t } from "@sinclair/typebox";
import { sql } from "drizzle-orm";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { type Dispatcher, type DispatcherOptions, startDispatcher } from "./dispatcher.ts";
import { again, defineJob, done, enqueue, handle, type JobHandler } from "./job.ts";
import { jobs } from "./schema.ts";
import { blockLane, claimJobs, findLane } from "./store.ts";

const work = defineJob("work", t.Object({ name: t.String() }), { permitsPerLane: 2 });

const running: Dispatcher[] = [];
afterEach(async () => {
  for (const dispatcher of running.splice(0)) await dispatcher.stop();
});

async function start(app: TestApp, handlers: JobHandler[], options: Partial<DispatcherOptions> = {}) {
  const dispatcher = await startDispatcher(app, handlers, { node: "a", ...options });
  running.push(dispatcher);
  return dispatcher;
}

const add = (app: TestApp, name: string, options: Parameters<typeof enqueue>[3] = {}) =>
  atomically(app, enqueue(app, work, { name }, options));

const left = (app: TestApp) => app.db.select().from(jobs).all();

/** A handler that notes what it was given and holds every job until it is told to go on. */
function gate() {
  const started: string[] = [];
  const waiting: (() => void)[] = [];
  let most = 0;
  let now = 0;
  return {
    started,
    most: () => most,
    open: () => {
      for (const go of waiting.splice(0)) go();
    },
    handler: handle(work, async (_app, { name }) => {
      started.push(name);
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => waiting.push(resolve));
      now--;
      return done();
    }),
    async until(count: number) {
      while (started.length < count) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("a job runs once, with its payload, and is gone", async () => {
  const app = await testApp();
  const seen: string[] = [];
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, []);
  await add(app, "one");
  await dispatcher.drained();
  expect(await left(app)).toMatchObject([{ lastError: "no handler for jobs of kind work" }]);
});

test("a lane has no more in flight than its permits, and other lanes go on meanwhile", async () => {
  const app = await testApp();
  const { handler, started, until, open, most } = gate();
  const dispatcher = await start(app, [handler]);
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

test("no more jobs run at once than there are permits", async () => {
  const app = await testApp();
  const { handler, until, open, most, started } = gate();
  const dispatcher = await start(app, [handler], { permits: 3 });
  for (let lane = 0; lane < 8; lane++) await add(app, `job ${lane}`, { lane: String(lane) });
  await until(3);
  for (let done = 3; done < 8; done += 3) {
    open();
    await until(Math.min(done + 3, 8));
  }
  open();
  await dispatcher.drained();
  expect(started.length).toBe(8);
  expect(most()).toBe(3);
});

test("a blocked lane waits for its time, whatever is added to it", async () => {
  const app = await testApp();
  const seen: string[] = [];
  const dispatcher = await start(app, [
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
  const first = await start(app, [handler]);
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
  const dispatcher = await start(
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [
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
  const dispatcher = await start(app, [handler]);
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
