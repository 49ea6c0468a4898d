import { expect, test } from "bun:test";
import { add, dispatch, gate, jobsLeft, noting, waitFor, work } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { enqueue, type LaneAllowance } from "./job.ts";
import { blockLane, findLane } from "./store.ts";

eachTransport((_name, open) => {
  test("a lane has as much under way as its allowance says, and more once that has grown", async () => {
    const app = await testApp({ transport: await open() });
    const asked = new Set<string>();
    let jobs = 3;
    const allowance = (_app: unknown, lane: string): LaneAllowance => {
      asked.add(lane);
      return { jobs };
    };
    const { handler, most, until, open: letGo } = gate(work, { allowance });
    await using dispatcher = await dispatch(app, [handler]);
    for (let n = 0; n < 7; n++) await add(app, `${n}`, { lane: "example.com" });
    await until(3);
    expect(most()).toBe(3);
    jobs = 5;
    app.jobsDue.notify(app.now());
    await until(5);
    expect(most()).toBe(5);
    jobs = 1; // what is under way goes on, and nothing begins until there is room again
    letGo();
    await until(6);
    letGo();
    await until(7);
    letGo();
    await dispatcher.drained();
    expect(most()).toBe(5);
    expect([...asked]).toEqual(["example.com"]);
  });

  test("a lane that may have nothing waits without being asked for, and begins as soon as it may", async () => {
    const app = await testApp({ transport: await open() });
    let jobs = 0;
    const seen: string[] = [];
    const handler = noting(seen, { allowance: (_app, lane) => ({ jobs: lane === "none" ? jobs : 9 }) });
    await using dispatcher = await dispatch(app, [handler]);
    await add(app, "waits", { lane: "none" });
    await add(app, "goes", { lane: "some" });
    await dispatcher.drained();
    expect(seen).toEqual(["goes"]);
    jobs = 1;
    app.jobsDue.notify(app.now());
    await waitFor(() => seen.length === 2);
  });

  test("hundreds of lanes that may have nothing keep no other lane from its turn", async () => {
    const app = await testApp({ transport: await open() });
    const seen: string[] = [];
    const allowance = (_app: unknown, lane: string): LaneAllowance => ({
      jobs: lane.startsWith("none") ? 0 : 9,
    });
    const names = Array.from({ length: 600 }, (_, n) => `none ${n}`);
    await atomically(
      app,
      names.flatMap((name) => enqueue(app, work, { name }, { lane: name })),
    );
    app.clock.advance(1);
    await add(app, "goes", { lane: "some" });
    await using dispatcher = await dispatch(app, [noting(seen, { allowance })]);
    app.clock.advance(5_000); // overdue lanes are spread over this long
    await dispatcher.drained();
    expect(seen).toEqual(["goes"]);
    expect(await jobsLeft(app)).toHaveLength(600);
  });

  test("a lane that may have nothing until some time is blocked until then, and says why", async () => {
    const app = await testApp({ transport: await open() });
    const seen: string[] = [];
    const until = new Date(app.now().getTime() + 30_000);
    const handler = noting(seen, { allowance: () => ({ until, by: "20 messages a minute" }) });
    await using dispatcher = await dispatch(app, [handler]);
    const names = Array.from({ length: 400 }, (_, n) => `${n}`);
    await atomically(
      app,
      names.flatMap((name, n) => enqueue(app, work, { name }, { lane: `${n % 100}` })),
    );
    await dispatcher.drained();
    expect(seen).toEqual([]);
    expect(await findLane(app.db, "work/1")).toMatchObject({
      nextAt: until,
      blockedUntil: until,
      blockedBy: "20 messages a minute",
    });
    app.clock.set(until); // what an allowance said of a time that has come holds nothing up
    await dispatcher.drained();
    expect(seen).toHaveLength(400);
  });

  test("a lane is blocked for as long as its longest limiter says", async () => {
    const app = await testApp({ transport: await open() });
    const late = new Date(app.now().getTime() + 60_000);
    const soon = new Date(app.now().getTime() + 1_000);
    const seen: string[] = [];
    await add(app, "one", { lane: "x" });
    await using dispatcher = await dispatch(app, [
      noting(seen, { allowance: () => ({ until: soon, by: "soon" }) }),
    ]);
    await atomically(app, [blockLane("work/x", late, "late")]);
    app.clock.advance(500);
    await dispatcher.drained();
    expect(seen).toEqual([]);
    expect(await findLane(app.db, "work/x")).toMatchObject({ blockedUntil: late, blockedBy: "late" });
  });
});
