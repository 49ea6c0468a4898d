import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { addWaiting, takeJob } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { blockLane } from "../jobs/store.ts";
import { listLaneReports } from "./lanes.ts";
import { pauseQueue } from "./queue.ts";
import { pauseQueueLane, pauseSending, resumeSending } from "./queue-switches.ts";
import { sitesOf } from "./sites.ts";

const hourMs = 3_600_000;

eachTransport((_name, open) => {
  test("each lane says how much waits in it, and what limits it", async () => {
    const app = await testApp({ now: new Date("2026-03-01T12:00:00Z"), transport: await open() });
    const { teamId } = await testTeam(app);
    const later = new Date(app.now().getTime() + hourMs);
    const [, busy] = await addWaiting(
      app,
      teamId,
      { domain: "a-due.test" },
      { domain: "b-busy.test" },
      { domain: "b-busy.test" },
      { domain: "c-later.test", deferredUntil: later },
      { domain: "d-blocked.test" },
      { domain: "e-paused.test" },
      { domain: "f-held.test" },
    );
    await takeJob(app, busy!.id);
    await atomically(app, [blockLane("deliver/d-blocked.test", later, "mx.test said 421 4.7.0 slow down.")]);
    await pauseQueueLane(app, "e-paused.test", "they asked");
    await pauseQueue(app, { lane: "f-held.test" });
    sitesOf(app).get("a-due.test", ["mx.google.com"], "a-due.test");

    const page = { limit: 20 };
    const reports = await listLaneReports(app, page);
    expect(reports.map(({ lane, waiting, due, busy }) => [lane, waiting, due, busy])).toEqual([
      ["a-due.test", 1, 1, 0],
      ["b-busy.test", 1, 1, 1],
      ["c-later.test", 1, 0, 0],
      ["d-blocked.test", 1, 1, 0],
      ["e-paused.test", 1, 1, 0],
      ["f-held.test", 1, 0, 0],
    ]);
    expect(reports.map(({ status }) => status)).toEqual([
      "Waits for its turn, over 0 of 5 connections it may have, at 1200 messages in 60 s at most.",
      "Sending now, with the few connections that a destination begins with.",
      "Nothing is due before 2026-03-01T13:00:00Z.",
      "Blocked until 2026-03-01T13:00:00Z: mx.test said 421 4.7.0 slow down.",
      "Paused until somebody resumes it: they asked.",
      "Everything in it is held.",
    ]);

    await pauseSending(app, "maintenance");
    expect((await listLaneReports(app, page))[0]!.status).toBe(
      "Stands still, because all sending is paused.",
    );
    await resumeSending(app);
    expect((await listLaneReports(app, { after: "a-due.test", limit: 1 })).map(({ lane }) => lane)).toEqual([
      "b-busy.test",
      "c-later.test",
    ]);
  });
});
