import { expect, test } from "bun:test";
import { testApp } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { startDispatcher } from "./dispatcher.ts";
import { recurring } from "./recurring.ts";
import { jobs } from "./schema.ts";

test("recurring work comes back at its time, and is one job however often the program starts", async () => {
  const app = await testApp();
  const ranAt: Date[] = [];
  const hourly = recurring("hourly", 3_600_000, async () => void ranAt.push(app.now()));
  const dispatcher = await startDispatcher(app, [hourly.handler], { node: "a" });
  await atomically(app, hourly.ensure(app));
  await atomically(app, hourly.ensure(app));
  const start = app.now();
  await dispatcher.drained();
  app.clock.advance(3_600_000);
  await dispatcher.drained();
  await dispatcher.stop();
  expect(ranAt).toEqual([start, new Date(start.getTime() + 3_600_000)]);
  expect(await app.db.select().from(jobs).all()).toHaveLength(1);
});
