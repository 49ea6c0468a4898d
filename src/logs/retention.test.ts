import { expect, spyOn, test } from "bun:test";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { newId, newIdAt } from "../ids.ts";
import { getLogs } from "./read.ts";
import { flushLogs, noteRequest } from "./record.ts";
import { forgetLogs } from "./retention.ts";

const hour = 3_600_000;
const answered = { status: 422, body: null };

/** A log of each team now and every hour after it; gives how many are left of each later. */
async function logHourly(app: TestApp, teams: string[], hours: number) {
  for (let index = 0; index < hours; index++) {
    for (const teamId of teams) {
      const [id, createdAt] = [newIdAt(app.now()), app.now()];
      const request = { keyId: null, method: "GET", path: "/", userAgent: null, address: "local" };
      noteRequest(app, { teamId, id, createdAt, ...request }, answered);
    }
    app.clock.advance(hour);
  }
  await flushLogs(app);
  return () => Promise.all(teams.map(async (id) => (await getLogs(app, id, {}, { limit: 100 })).rows.length));
}

test("logs go when they are older than retention.logs, of every team, a slice at a time", async () => {
  const app = await testApp({ config: { retention: { logs: 3 * hour } } });
  const left = await logHourly(app, [newId(), newId(), newId()], 8);
  const batch = spyOn(app.transport, "batch");
  await forgetLogs(app, 2);
  expect(await left()).toEqual([3, 3, 3]);
  expect(batch).toHaveBeenCalledTimes(9); // five of each team in slices of two
  await forgetLogs(app, 2);
  expect(await left()).toEqual([3, 3, 3]);
});

test("logs that are kept for ever stay", async () => {
  const app = await testApp({ config: { retention: { logs: "forever" } } });
  const left = await logHourly(app, [newId()], 3);
  app.clock.advance(100_000 * hour);
  await forgetLogs(app);
  expect(await left()).toEqual([3]);
});
