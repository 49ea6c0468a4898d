import { expect, test } from "bun:test";
import { testContact, testSegment } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { previewRules } from "./audience.ts";
import { listDynamicOf } from "./members.ts";
import { createProperty } from "./properties.ts";
import { createSegment, listDynamic, listSegmentsNaming, listStatic } from "./segments.ts";

async function scene() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  await createProperty(app, teamId, { key: "plan", type: "string" });
  await createProperty(app, teamId, { key: "planet", type: "string" });
  const contact = await testContact(app, teamId, "ada@example.com", { properties: { plan: "pro" } });
  const friends = await testSegment(app, teamId, [contact]);
  const dynamic = (name: string, rules: unknown) => createSegment(app, teamId, { name, rules });
  const pro = await dynamic("pro", { all: [{ field: "properties.plan", operator: "equals", value: "pro" }] });
  const mars = await dynamic("mars", {
    any: [
      { all: [{ segment_id: friends.id, is_member: false }] },
      { field: "properties.planet", operator: "is_set" },
    ],
  });
  return { app, teamId, contact, friends, pro, mars };
}

test("segments whose rules name something are found by it, in whichever group, and only the team's", async () => {
  const { app, teamId, friends, pro, mars } = await scene();
  const naming = async (what: string, team = teamId) =>
    (await listSegmentsNaming(app, team, what, 5)).map(({ id }) => id);
  expect(await naming("properties.plan")).toEqual([pro.id]);
  expect(await naming("properties.planet")).toEqual([mars.id]);
  expect(await naming(friends.id)).toEqual([mars.id]);
  expect(await naming("properties.plan", (await testTeam(app)).teamId)).toEqual([]);
});

test("a contact is in the dynamic segments whose rules hold for them", async () => {
  const { app, teamId, contact, friends, pro, mars } = await scene();
  expect((await listDynamicOf(app, contact)).map(({ id }) => id)).toEqual([pro.id]);
  expect((await listDynamic(app, teamId, 5)).map(({ id }) => id)).toEqual([mars.id, pro.id]);
  expect((await listStatic(app, teamId, 5)).map(({ id }) => id)).toEqual([friends.id]);
});

test("whoever waits no longer for a count does not keep the server counting", async () => {
  const { app, teamId } = await scene();
  const rules = { all: [{ field: "email", operator: "is_set" as const }] };
  expect((await previewRules(app, teamId, rules)).count).toBe(1);
  expect((await previewRules(app, teamId, rules, AbortSignal.abort())).count).toBe(0);
});
