import { expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { addWaiting } from "../../test/support/waiting.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { StorageUnavailable } from "../errors.ts";
import { events } from "../events/schema.ts";
import { flushVisits, noteVisit } from "./visits.ts";

async function delivered(app: TestApp, count: number): Promise<string[]> {
  const { teamId } = await testTeam(app);
  const waiting = await addWaiting(app, teamId, ...Array.from({ length: count }, () => ({})));
  const at = app.now().getTime() - 60_000;
  await atomically(app, [
    rawWrite("update deliveries set state = 'delivered', attempts = 1, settled_at = ?", [at]),
  ]);
  return waiting.map(({ id }) => id);
}

const note = (app: TestApp, deliveryId: string) =>
  noteVisit(app, {
    ...{ kind: "opened", deliveryId, address: "198.51.100.7", at: app.now() },
    userAgent: `Mozilla/5.0 Firefox ${"x".repeat(5_000)}`,
  });
const told = (app: TestApp) => app.db.select().from(events).all();

test("nothing is written until somebody's visits are settled, and a stop settles all of them", async () => {
  const app = await testApp();
  const ids = await delivered(app, 450);
  for (const id of ids) note(app, id);
  expect(await told(app)).toEqual([]);
  await flushVisits(app);
  const rows = await told(app);
  expect(new Set(rows.map(({ deliveryId }) => deliveryId))).toEqual(new Set(ids));
  expect(JSON.stringify(rows[0]!.data).length).toBeLessThan(1_000);
  await flushVisits(app);
  expect(await told(app)).toHaveLength(450);
});

test("what waits has a bound; what comes beyond it is lost, and nothing after that", async () => {
  const app = await testApp();
  const [id] = await delivered(app, 1);
  const url = `https://a.test/${"x".repeat(7_900)}`;
  for (let n = 0; n < 2_100; n++) {
    const visit = { deliveryId: `${n}`, address: "198.51.100.7", userAgent: "", at: app.now() };
    noteVisit(app, { kind: "clicked", url, ...visit });
  }
  note(app, id!);
  await flushVisits(app);
  expect(await told(app)).toEqual([]);
  note(app, id!);
  await flushVisits(app);
  expect(await told(app)).toHaveLength(1);
});

test("what can't be written waits until it can", async () => {
  const app = await testApp();
  const [id] = await delivered(app, 1);
  const { batch } = app.transport;
  app.transport = {
    ...app.transport,
    batch: () => Promise.reject(new StorageUnavailable("the disk is full")),
  };
  note(app, id!);
  await flushVisits(app);
  expect(await told(app)).toEqual([]);
  app.transport = { ...app.transport, batch };
  await flushVisits(app);
  expect(await told(app)).toHaveLength(1);
});
