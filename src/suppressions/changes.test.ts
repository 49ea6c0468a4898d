import { describe, expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { counters, events } from "../events/schema.ts";
import { addAll, removeAll } from "./changes.ts";
import { suppressions } from "./schema.ts";
import { findSuppression } from "./store.ts";
import { suppress } from "./suppress.ts";

const address = "ada@recipient.test";
const dayMs = 24 * 3_600_000;

/** `suppression.added ada@recipient.test manual`, in their order. */
const told = async (app: TestApp) =>
  (await app.db.select().from(events).orderBy(events.id)).map(
    ({ type, recipient, data }) => `${type} ${recipient} ${data.origin}`,
  );
const counted = async (app: TestApp) =>
  Object.fromEntries((await app.db.select().from(counters)).map(({ event, total }) => [event, total]));
const inDays = (app: TestApp, days: number) => new Date(app.now().getTime() + days * dayMs);

eachTransport((_name, open) => {
  const start = async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const add = (expiresAt: Date | null, reason: "manual" | "bounce" | "unsubscribe" = "manual") =>
      atomically(
        app,
        addAll(app, teamId, [{ address, reason, sourceId: null, expiresAt, createdAt: app.now() }]),
      );
    const find = () => findSuppression(app.db, teamId, address, app.now());
    return { app, teamId, add, find };
  };

  test("a row that appears is told of once, with what webhooks tell", async () => {
    const { app, teamId, find } = await start();
    app.clock.set(new Date("2026-03-01T12:00:59.999Z"));
    const sourceId = "0190d4b8-0000-7000-8000-000000000000";
    await atomically(
      app,
      suppress(app, { teamId, address: "Ada@recipient.test", reason: "bounce", sourceId }),
    );
    const found = await find();
    const [event] = await app.db.select().from(events);
    expect(event).toMatchObject({
      type: "suppression.added",
      teamId,
      recipient: address,
      createdAt: app.now(),
    });
    expect(event!.data).toEqual({
      id: found!.id,
      email: address,
      origin: "bounce",
      source_id: sourceId,
      created_at: "2026-03-01T12:00:59.999Z",
    });
    expect(await app.db.select().from(counters)).toMatchObject([
      { teamId, event: "suppression.added", total: 1, hour: new Date("2026-03-01T12:00:00Z") },
    ]);
  });

  test("an address keeps its first suppression, and nothing is told again", async () => {
    const { app, add, find } = await start();
    await add(null, "bounce");
    const first = await find();
    await add(null, "manual");
    await add(inDays(app, 1), "manual");
    expect(await find()).toEqual(first!);
    expect(await told(app)).toEqual([`suppression.added ${address} bounce`]);
    expect(await counted(app)).toEqual({ "suppression.added": 1 });
  });

  test("what is added again lasts as long as the longer of the two", async () => {
    const { app, add, find } = await start();
    await add(inDays(app, 7));
    const first = await find();
    await add(inDays(app, 3));
    expect(await find()).toEqual(first!);
    await add(inDays(app, 9));
    expect(await find()).toEqual({ ...first!, expiresAt: inDays(app, 9) });
    await add(null, "bounce");
    expect(await find()).toEqual({ ...first!, expiresAt: null });
    expect(await counted(app)).toEqual({ "suppression.added": 1 });
  });

  test("an expired suppression makes room for a new one: one goes, one appears", async () => {
    const { app, add, find } = await start();
    await add(inDays(app, 1));
    const first = await find();
    app.clock.advance(dayMs);
    expect(await find()).toBeUndefined();
    await add(null, "bounce");
    expect(await find()).toMatchObject({ reason: "bounce", expiresAt: null, createdAt: app.now() });
    expect((await find())!.id).not.toBe(first!.id);
    expect(await told(app)).toEqual([
      `suppression.added ${address} manual`,
      `suppression.removed ${address} manual`,
      `suppression.added ${address} bounce`,
    ]);
    expect(await app.db.select().from(suppressions)).toHaveLength(1);
  });

  test("one address many times in one batch is one suppression", async () => {
    const { app, teamId, find } = await start();
    const row = { address, sourceId: null, expiresAt: null, createdAt: app.now() };
    await atomically(
      app,
      addAll(app, teamId, [
        { ...row, reason: "complaint" },
        { ...row, reason: "manual" },
      ]),
    );
    expect(await find()).toMatchObject({ reason: "complaint" });
    expect(await told(app)).toEqual([`suppression.added ${address} complaint`]);
  });

  test("a row that goes is told of once, however often it is removed", async () => {
    const { app, teamId, add, find } = await start();
    await add(null, "unsubscribe");
    const { id } = (await find())!;
    await atomically(app, [
      ...removeAll(app, teamId, [id], "lasting"),
      ...removeAll(app, teamId, [id], "lasting"),
    ]);
    await atomically(app, removeAll(app, teamId, [id], "lasting"));
    expect(await find()).toBeUndefined();
    expect(await told(app)).toEqual([
      `suppression.added ${address} manual`,
      `suppression.removed ${address} manual`,
    ]);
    expect(await counted(app)).toEqual({ "suppression.added": 1, "suppression.removed": 1 });
  });

  describe("another team", () => {
    test("has the same address for itself, and its rows are out of reach", async () => {
      const { app, teamId, add, find } = await start();
      await add(inDays(app, 1));
      const other = await testTeam(app, "Another team");
      await atomically(app, suppress(app, { teamId: other.teamId, address, reason: "complaint" }));
      app.clock.advance(dayMs);
      await atomically(app, suppress(app, { teamId: other.teamId, address, reason: "bounce" }));
      const theirs = await findSuppression(app.db, other.teamId, address, app.now());
      expect(theirs).toMatchObject({ reason: "complaint" });
      await atomically(app, removeAll(app, teamId, [theirs!.id], "lasting"));
      expect(await findSuppression(app.db, other.teamId, address, app.now())).toEqual(theirs!);
      expect(await find()).toBeUndefined();
      expect(await app.db.select().from(suppressions)).toHaveLength(2);
    });
  });
});
