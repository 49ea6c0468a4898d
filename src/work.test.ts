import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { testApp } from "../test/support/test-app.ts";
import { atomically } from "./app.ts";
import { startDispatcher } from "./jobs/dispatcher.ts";
import { recurringWork } from "./work.ts";

test("files in the data folder that this database knows nothing of stay: they may be another's", async () => {
  const app = await testApp({ now: new Date() });
  const { hash } = await app.blobs.put(Buffer.from("named by the database that was here before"));
  const longAgo = new Date(app.now().getTime() - 30 * 86_400_000);
  utimesSync(app.blobs.fileOf!(hash), longAgo, longAgo);
  await atomically(
    app,
    recurringWork.flatMap((work) => work.ensure(app)),
  );
  const handlers = recurringWork.map(({ handler }) => handler);
  const dispatcher = await startDispatcher(app, handlers, { node: "test" });
  for (let hour = 0; hour < 25; hour++) {
    await dispatcher.drained();
    app.clock.advance(3_600_000);
  }
  await dispatcher.stop();
  expect(await app.blobs.sizeOf(hash)).toBeGreaterThan(0);
});
