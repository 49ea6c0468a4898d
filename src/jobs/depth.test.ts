import { expect, test } from "bun:test";
import { Type as t } from "@sinclair/typebox";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { countedJobs, countLeases, listDepths } from "./depth.ts";
import { defineJob, enqueue, enqueueAll } from "./job.ts";
import { pauseKind } from "./pause.ts";
import { claimJobs } from "./store.ts";

const kind = (name: string) => defineJob(name, t.Object({}));
const [post, postal, sweep] = [kind("post"), kind("postal"), kind("sweep")];

eachTransport((_, open) => {
  test("what waits is counted by kind, what is due apart from what is later, and what is held not at all", async () => {
    const app = await testApp({ transport: await open() });
    const now = app.now();
    const later = new Date(now.getTime() + 60_000);
    await atomically(app, [
      ...enqueue(app, post, {}, { lane: "a.test", runAt: new Date(now.getTime() - 5_000) }),
      ...enqueueAll(
        app,
        post,
        ["a.test", "b.test", "b.test"].map((lane) => ({ payload: {}, lane })),
      ),
      ...enqueue(app, post, {}, { lane: "b.test", runAt: later }),
      ...enqueue(app, postal, {}, { lane: "a.test", runAt: later }),
      ...enqueue(app, sweep, {}),
      ...pauseKind(app, "postal", "for a test"),
    ]);
    const depths = () => listDepths(app, ["post", "postal", "sweep"]);
    expect(await depths()).toEqual([
      { kind: "post", due: 4, later: 1, isPaused: false, oldestDueAt: now },
      { kind: "postal", due: 0, later: 1, isPaused: true },
      { kind: "sweep", due: 1, later: 0, isPaused: false, oldestDueAt: now },
    ]);
    await atomically(app, [claimJobs("node", "post/b.test", now, later, 10)]);
    expect((await depths())[0]).toMatchObject({ due: 2, later: 1 });
    expect(await countLeases(app)).toBe(2);
  });
});

test("a long queue is counted no further than to a bound", async () => {
  const app = await testApp();
  const wishes = Array.from({ length: countedJobs + 50 }, (_, n) => ({ payload: {}, lane: `${n % 7}.test` }));
  await atomically(app, enqueueAll(app, post, wishes));
  expect(await listDepths(app, ["post"])).toMatchObject([{ due: countedJobs, later: 0 }]);
});
