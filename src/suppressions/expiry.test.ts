import { describe, expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { counters } from "../events/schema.ts";
import { recurringWork } from "../work.ts";
import { addSuppressions } from "./add.ts";
import { forgetSuppressions, forgettingSuppressions, readExpiry } from "./expiry.ts";
import { suppressions } from "./schema.ts";
import { suppressedAmong } from "./suppress.ts";

const hourMs = 3_600_000;
const names = (count: number, domain: string) => Array.from({ length: count }, (_, n) => `${n}@${domain}`);
const left = async (app: TestApp) =>
  (await app.db.select().from(suppressions)).map(({ address }) => address).sort();

eachTransport((_name, open) => {
  test.each([1, 2, 3, 100])("what has expired is removed and told of, %d a slice", async (slice) => {
    const app = await testApp({ transport: await open() });
    const [one, two] = [await testTeam(app), await testTeam(app)];
    await addSuppressions(app, one.teamId, names(4, "soon.test"), { expiresIn: "1h" });
    await addSuppressions(app, two.teamId, names(2, "soon.test"), { expiresIn: "59m" });
    await addSuppressions(app, one.teamId, ["a@later.test"], { expiresIn: "2h" });
    await addSuppressions(app, two.teamId, ["a@never.test"], {});
    app.clock.advance(hourMs);
    await forgetSuppressions(app, slice);
    await forgetSuppressions(app, slice);
    expect(await left(app)).toEqual(["a@later.test", "a@never.test"]);
    const removed = (await app.db.select().from(counters)).filter(
      ({ event }) => event === "suppression.removed",
    );
    expect(new Map(removed.map(({ teamId, total }) => [teamId, total]))).toEqual(
      new Map([
        [one.teamId, 4],
        [two.teamId, 2],
      ]),
    );
  });
});

test("the program forgets expired suppressions by itself", () => {
  expect(recurringWork).toContain(forgettingSuppressions);
});

test("a suppression ends at its time, for emails to one and to many", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await addSuppressions(app, teamId, ["a@x.test", "b@x.test"], { expiresIn: "1h" });
  await addSuppressions(app, teamId, ["c@x.test"], {});
  const all = ["A@x.test", "b@x.test", "c@x.test", "d@x.test"];
  const suppressed = async (addresses: string[]) => [
    ...(await suppressedAmong(app, teamId, addresses)).keys(),
  ];
  app.clock.advance(hourMs - 1);
  expect(await suppressed(["a@x.test"])).toEqual(["a@x.test"]);
  expect(await suppressed(all)).toEqual(["a@x.test", "b@x.test", "c@x.test"]);
  app.clock.advance(1);
  expect(await suppressed(["a@x.test"])).toEqual([]);
  expect(await suppressed(all)).toEqual(["c@x.test"]);
});

describe("when a suppression ends", async () => {
  const app = await testApp({ now: new Date("2026-03-01T12:00:00Z") });

  test.each([
    [{}, null],
    [{ expiresAt: null, expiresIn: null }, null],
    [{ expiresAt: "2026-03-01T13:00:00.001+01:00" }, "2026-03-01T12:00:00.001Z"],
    [{ expiresIn: "30d" }, "2026-03-31T12:00:00.000Z"],
    [{ expiresIn: 90 }, "2026-03-01T12:01:30.000Z"],
    [{ expiresIn: "36500d" }, "2126-02-05T12:00:00.000Z"],
  ])("%j is %p", (wish, end) => {
    expect(readExpiry(app, wish)?.toISOString() ?? null).toBe(end);
  });

  test.each([
    [{ expiresAt: "2026-03-01T12:00:00Z" }, "Invalid `expires_at` field. It must be in the future."],
    [
      { expiresAt: "next week" },
      "Invalid `expires_at` field. It must be an ISO 8601 time with its time zone",
    ],
    [{ expiresAt: "" }, "Invalid `expires_at` field. It must be an ISO 8601 time with its time zone"],
    [{ expiresIn: "soon" }, 'Invalid `expires_in` field. It must be a duration such as "12h" or "30d"'],
    [{ expiresIn: 0 }, "Invalid `expires_in` field. It must be a duration"],
    [{ expiresIn: -5 }, "Invalid `expires_in` field. It must be a duration"],
    [{ expiresIn: "36501d" }, "Invalid `expires_in` field. It must be a duration"],
    [{ expiresIn: "1d", expiresAt: "2027-03-01T12:00:00Z" }, "Give `expires_at` or `expires_in`, not both."],
  ])("%j is refused", (wish, message) => {
    expect(() => readExpiry(app, wish)).toThrow(message);
  });
});
