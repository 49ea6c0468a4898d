import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { addSuppression, addSuppressions } from "./add.ts";
import { searchSuppressions } from "./read.ts";

const app = await testApp();
const addressesOf = async (teamId: string, wanted: Partial<Parameters<typeof searchSuppressions>[2]>) => {
  const { rows, next } = await searchSuppressions(app, teamId, { prefix: "", limit: 2, ...wanted });
  return { addresses: rows.map(({ address }) => address), next };
};

test("what begins so is found by address, page by page, and nothing of another team", async () => {
  const [{ teamId }, other] = [await testTeam(app), await testTeam(app)];
  await addSuppressions(app, teamId, ["ada3@x.test", "ada1@x.test", "ada2@x.test", "bob@x.test"], {});
  await addSuppression(app, other.teamId, "ada0@x.test", {});
  expect(await addressesOf(teamId, { prefix: " ADA" })).toEqual({
    addresses: ["ada1@x.test", "ada2@x.test"],
    next: "ada2@x.test",
  });
  expect(await addressesOf(teamId, { prefix: "ada", after: "ada2@x.test" })).toEqual({
    addresses: ["ada3@x.test"],
    next: undefined,
  });
  expect(await addressesOf(teamId, { prefix: "%" })).toEqual({ addresses: [], next: undefined });
});

test("a reason narrows it, and what has expired is not there", async () => {
  const { teamId } = await testTeam(app);
  await addSuppression(app, teamId, "a@x.test", {}, "complaint");
  await addSuppression(app, teamId, "b@x.test", {});
  await addSuppression(app, teamId, "c@x.test", { expiresIn: "1h" }, "complaint");
  expect((await addressesOf(teamId, { reasons: ["complaint"] })).addresses).toEqual(["a@x.test", "c@x.test"]);
  app.clock.advance(2 * 3_600_000);
  expect((await addressesOf(teamId, { reasons: ["complaint"] })).addresses).toEqual(["a@x.test"]);
});
