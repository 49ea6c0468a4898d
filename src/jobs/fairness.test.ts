import { expect, test } from "bun:test";
import { Type as t } from "@sinclair/typebox";
import { add, dispatch, gate, jobsLeft, noting } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { again, defineJob, done, enqueue, handle } from "./job.ts";
import { findLane } from "./store.ts";

eachTransport((_name, open) => {
  test("lanes take turns: one that comes late waits for one job of each lane before it, not for their backlogs", async () => {
    const app = await testApp({ transport: await open() });
    const single = defineJob("work", t.Object({ name: t.String() }), { permits: 1, permitsPerLane: 1 });
    const seen: string[] = [];
    const lanes = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const backlog = lanes.flatMap((lane) => [1, 2, 3, 4].map((n) => ({ lane, name: `${lane}${n}` })));
    const handler = handle(single, async (_app, { name }) => {
      seen.push(name);
      const late = name === "b1" ? enqueue(app, single, { name: "new" }, { lane: "new" }) : [];
      app.clock.advance(1); // one job takes a while, and the next round is another moment
      return done(late);
    });
    await using dispatcher = await dispatch(app, [handler]);
    const writes = backlog.flatMap(({ lane, name }) => {
      app.clock.advance(1);
      return enqueue(app, single, { name }, { lane });
    });
    await atomically(app, writes);
    await dispatcher.drained();
    expect(seen).toHaveLength(backlog.length + 1);
    const untilNew = seen.slice(seen.indexOf("b1") + 1, seen.indexOf("new")).map((name) => name[0]);
    expect(untilNew).toEqual([...new Set(untilNew)]); // no lane was served twice meanwhile
    for (let turn = 0; turn < 3; turn++) {
      const served = seen.filter((name) => name !== "new").slice(turn * 8, turn * 8 + 8);
      expect(served.map((name) => name[0]!).toSorted()).toEqual(lanes);
    }
  });

  test("a job that was due long ago does not put its lane before those that wait", async () => {
    const app = await testApp({ transport: await open() });
    const early = new Date(app.now().getTime() - 3_600_000);
    await add(app, "old", { lane: "a", runAt: early });
    expect(await findLane(app.db, "work/a")).toMatchObject({ nextAt: app.now() });
    let runs = 0;
    const handler = handle(defineJob("work", t.Object({ name: t.String() })), async () => {
      if (++runs === 1) return again(early, "at once");
      expect((await findLane(app.db, "work/a"))?.nextAt).toBeNull();
      return done();
    });
    await using dispatcher = await dispatch(app, [handler]);
    app.clock.advance(5_000);
    await dispatcher.drained();
    expect(runs).toBe(2);
    expect(await jobsLeft(app)).toEqual([]);
  });

  test("each kind has permits of its own, so that a flood of one takes none of another's", async () => {
    const app = await testApp({ transport: await open() });
    const flood = defineJob("flood", t.Object({ name: t.String() }), { permits: 3 });
    const { handler, started, most, until, open: letGo } = gate(flood);
    const seen: string[] = [];
    await using dispatcher = await dispatch(app, [handler, noting(seen)]);
    for (let n = 0; n < 8; n++)
      await atomically(app, enqueue(app, flood, { name: `${n}` }, { lane: `${n}` }));
    await until(3);
    await add(app, "other");
    while (seen.length < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(started).toHaveLength(3);
    for (let ended = 3; ended < 8; ended += 3) {
      letGo();
      await until(Math.min(ended + 3, 8));
    }
    letGo();
    await dispatcher.drained();
    expect(most()).toBe(3);
  });

  test("a job can go on in another lane of its kind, and is told which lane it came from", async () => {
    const app = await testApp({ transport: await open() });
    const lanes: string[] = [];
    const moving = handle(
      defineJob("work", t.Object({ name: t.String() })),
      async (_app, _payload, { lane }) => {
        lanes.push(lane);
        if (lanes.length > 3) return done();
        const to = ["", "example.com", "mx.example.net"][lanes.length - 1];
        return again(app.now(), "its hosts are known", [], { lane: to });
      },
    );
    await using dispatcher = await dispatch(app, [moving]);
    await add(app, "one", { lane: "example.com" });
    await dispatcher.drained();
    expect(lanes).toEqual(["example.com", "", "example.com", "mx.example.net"]);
    expect(await jobsLeft(app)).toEqual([]);
    for (const lane of ["work", "work/example.com", "work/mx.example.net"]) {
      expect(await findLane(app.db, lane)).toMatchObject({ kind: "work", nextAt: null });
    }
  });
});
