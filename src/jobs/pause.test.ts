import { expect, test } from "bun:test";
import { Type as t } from "@sinclair/typebox";
import { add, dispatch, gate, noting, waitFor } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { toStatement } from "../db/write.ts";
import { defineJob, enqueue } from "./job.ts";
import { findPause, isPaused, pausedUntil, pauseKind, pauseLane, resumeKind, resumeLane } from "./pause.ts";
import { blockLane, claimJobs, findLane } from "./store.ts";

const other = defineJob("other", t.Object({ name: t.String() }));

eachTransport((_name, open) => {
  test("a paused kind waits while others go on, over a restart too, and goes on when it is resumed", async () => {
    const app = await testApp({ transport: await open() });
    const seen: string[] = [];
    const handlers = [noting(seen), noting(seen, {}, other)];
    await atomically(app, pauseKind(app, "work", "restored from a backup"));
    await using first = await dispatch(app, handlers);
    await add(app, "one", { lane: "x" });
    await atomically(app, enqueue(app, other, { name: "two" }));
    await first.drained();
    await first.stop();
    await using second = await dispatch(app, handlers);
    await second.drained();
    expect(seen).toEqual(["two"]);
    expect(await findPause(app.db, "work")).toMatchObject({ reason: "restored from a backup" });

    app.clock.advance(5_000); // overdue lanes are spread over this long
    await atomically(app, resumeKind(app, "work")); // wakes the dispatcher
    await waitFor(() => seen.length === 2);
    expect(seen).toEqual(["two", "one"]);
    expect(await findPause(app.db, "work")).toBeUndefined();
  });

  test("a second pause tells the newer reason", async () => {
    const app = await testApp({ transport: await open() });
    await atomically(app, pauseKind(app, "work", "first"));
    await atomically(app, [...pauseKind(app, "work", "second"), ...pauseLane(app, "work/x", "first")]);
    await atomically(app, pauseLane(app, "work/x", "second"));
    expect(await findPause(app.db, "work")).toMatchObject({ reason: "second" });
    expect(await findLane(app.db, "work/x")).toMatchObject({ blockedBy: "second" });
  });

  test("a pause that another process writes counts for a claim that is on its way", async () => {
    const transport = await open();
    const app = await testApp({ transport });
    await add(app, "one", { lane: "x" });
    const claim = () => {
      const now = app.now();
      return atomically(app, [claimJobs("a", "work/x", now, new Date(now.getTime() + 60_000), 1)]);
    };
    const elsewhere = transport.another();
    await elsewhere.batch(pauseKind(app, "work", "why").map(toStatement));
    expect((await claim())[0]!.rows).toEqual([]);
    await elsewhere.batch(resumeKind(app, "work").map(toStatement));
    await elsewhere.batch(pauseLane(app, "work/x", "why").map(toStatement));
    expect((await claim())[0]!.rows).toEqual([]);
    await elsewhere.batch(resumeLane(app, "work/x").map(toStatement));
    expect((await claim())[0]!.rows).toHaveLength(1);
  });

  test("what is under way finishes when its kind is paused", async () => {
    const app = await testApp({ transport: await open() });
    const { handler, started, until, open: letGo } = gate();
    await using dispatcher = await dispatch(app, [handler]);
    await add(app, "one");
    await until(1);
    await atomically(app, pauseKind(app, "work", "why"));
    await add(app, "two");
    letGo();
    await dispatcher.drained();
    expect(started).toEqual(["one"]);
  });

  test("a paused lane waits, whatever its limiters say, until it is resumed", async () => {
    const app = await testApp({ transport: await open() });
    const seen: string[] = [];
    await using dispatcher = await dispatch(app, [noting(seen)]);
    await atomically(app, pauseLane(app, "work/x", "the operator wants it so"));
    await add(app, "one", { lane: "x" });
    const soon = new Date(app.now().getTime() + 1_000);
    await atomically(app, [blockLane("work/x", soon, "421 too many connections")]);
    app.clock.advance(3_600_000);
    await dispatcher.drained();
    const lane = await findLane(app.db, "work/x");
    expect(lane).toMatchObject({ nextAt: pausedUntil, blockedBy: "the operator wants it so" });
    expect(isPaused(lane)).toBe(true);

    await atomically(app, resumeLane(app, "work/x"));
    await waitFor(() => seen.length === 1);
    expect(await findLane(app.db, "work/x")).toMatchObject({ blockedUntil: null, blockedBy: null });
  });

  test("a lane that a limiter blocks is not called paused, and can be paused and resumed", async () => {
    const app = await testApp({ transport: await open() });
    const until = new Date(app.now().getTime() + 60_000);
    await add(app, "one", { lane: "x" });
    await atomically(app, [blockLane("work/x", until, "421")]);
    expect(isPaused(await findLane(app.db, "work/x"))).toBe(false);
    expect(isPaused(undefined)).toBe(false);
    await atomically(app, pauseLane(app, "work/x", "why"));
    expect(isPaused(await findLane(app.db, "work/x"))).toBe(true);
    await atomically(app, resumeLane(app, "work/x"));
    expect(await findLane(app.db, "work/x")).toMatchObject({ nextAt: app.now(), blockedUntil: null });
  });
});
