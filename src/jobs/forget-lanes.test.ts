import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { add } from "../../test/support/dispatching.ts";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { forgetLanes } from "./forget-lanes.ts";
import { pauseLane } from "./pause.ts";
import { blockLane, claimJobs, settleLane } from "./store.ts";

const lanesLeft = async (app: TestApp) =>
  (await app.db.values<[string]>(sql`select lane from lanes order by lane`)).map(([lane]) => lane);

eachTransport((_name, open) => {
  test.each([1, 2, 3, 100])(
    "lanes where nothing waits, runs or is blocked are forgotten, %d a slice",
    async (slice) => {
      const app = await testApp({ transport: await open() });
      const now = app.now();
      const inAMinute = new Date(now.getTime() + 60_000);
      for (const lane of ["empty 1", "empty 2", "held"]) await add(app, lane, { lane });
      await add(app, "waits", { lane: "waits" });
      await atomically(app, [
        claimJobs("b", "work/held", now, inAMinute, 1),
        settleLane("work/held", now),
        claimJobs("b", "work/empty 1", now, inAMinute, 1),
        claimJobs("b", "work/empty 2", now, inAMinute, 1),
        { toSQL: () => ({ sql: "delete from jobs where lane like 'work/empty%'", params: [] }) },
        settleLane("work/empty 1", now),
        settleLane("work/empty 2", now),
        blockLane("work/blocked", inAMinute, "421"),
        blockLane("work/was blocked", now, "421"),
        ...pauseLane(app, "work/paused", "why"),
      ]);
      await forgetLanes(app, slice);
      expect(await lanesLeft(app)).toEqual(["work/blocked", "work/held", "work/paused", "work/waits"]);
    },
  );
});
