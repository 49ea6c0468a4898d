import { expect, test } from "bun:test";
import { Type as t } from "@sinclair/typebox";
import { dispatch, gate, waitFor } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { defineJob, done, enqueue, handle } from "./job.ts";

const shape = t.Object({ name: t.String() });
const deliver = defineJob("deliver", shape, { permits: 256 });

eachTransport((_name, open) => {
  test("52 domains that never answer take all permits, and after a while others go on all the same", async () => {
    const app = await testApp({ transport: await open() });
    const tarpits = Array.from({ length: 52 }, (_, n) => `tarpit-${n}.test`);
    const started = new Map<string, number>();
    const goOn = Promise.withResolvers<void>();
    let quick = 0;
    const handler = handle(deliver, async (_app, { name }, { lane }) => {
      if (name === "quick") quick++;
      else {
        started.set(lane, (started.get(lane) ?? 0) + 1);
        await goOn.promise;
      }
      return done();
    });
    // 6 for each of which 5 may run at once: the sixth shows that what is slow still counts for its own lane.
    const jobs = tarpits.flatMap((lane) => Array.from({ length: 6 }, (_, n) => ({ lane, name: `${n}` })));
    await using dispatcher = await dispatch(app, [handler], { slowAfterMs: 150 });
    await atomically(
      app,
      jobs.flatMap(({ lane, name }) => enqueue(app, deliver, { name }, { lane })),
    );
    await waitFor(() => dispatcher.inFlight() === 256);
    await atomically(app, enqueue(app, deliver, { name: "quick" }, { lane: "quick.test" }));
    await waitFor(() => quick === 1);
    await waitFor(() => dispatcher.inFlight() === 260);
    expect(started.size).toBe(52);
    expect(new Set(started.values())).toEqual(new Set([5]));
    goOn.resolve();
    await dispatcher.drained();
    expect([...started.values()]).toEqual(tarpits.map(() => 6));
  });
});

test("a kind has only so many slow jobs besides its permits", async () => {
  const app = await testApp();
  const slow = defineJob("slow", shape, { permits: 2 });
  const witness = defineJob("witness", shape);
  const { handler, started, most, until, open: letGo } = gate(slow);
  let rounds = 0;
  const witnessing = handle(witness, async () => {
    rounds++;
    return done();
  });
  await using dispatcher = await dispatch(app, [handler, witnessing], { slowAfterMs: 1, slowPermits: 3 });
  for (let n = 0; n < 9; n++) await atomically(app, enqueue(app, slow, { name: `${n}` }, { lane: `${n}` }));
  await until(5);
  // By the end of these rounds all five are slow, of which three don't count: both permits are taken.
  for (let n = 1; n <= 20; n++) {
    await atomically(app, enqueue(app, witness, { name: "" }));
    await waitFor(() => rounds === n);
  }
  expect(started).toHaveLength(5);
  letGo();
  await until(9);
  letGo();
  await dispatcher.drained();
  expect(most()).toBe(5);
});
