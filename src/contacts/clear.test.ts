import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { dispatch } from "../../test/support/dispatching.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { rawWrite } from "../db/write.ts";
import { newId } from "../ids.ts";
import { clearingProperty, clearingSegment, clearingTopic } from "./clear.ts";
import { createProperty, deleteProperty, listProperties } from "./properties.ts";
import { getContact } from "./read.ts";
import { saveContact } from "./save.ts";
import { createSegment, deleteSegment } from "./segments.ts";
import { createTopic, deleteTopic } from "./topics.ts";

const email = "ada@example.com";

async function start() {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  return { app, teamId, dispatcher: await dispatch(app, [clearingProperty, clearingSegment, clearingTopic]) };
}

test("the members of a segment that is deleted go with it, and no others", async () => {
  const { app, teamId, dispatcher } = await start();
  await using _ = dispatcher;
  const [gone, left] = [
    await createSegment(app, teamId, { name: "1" }),
    await createSegment(app, teamId, { name: "2" }),
  ];
  await saveContact(app, teamId, { email, segmentIds: [gone.id, left.id] });
  await deleteSegment(app, teamId, gone.id);
  await dispatcher.drained();
  expect(await app.db.values(sql`select segment_id from segment_members`)).toEqual([[left.id]]);
});

test("what was said of a topic that is deleted goes with it, and nothing else", async () => {
  const { app, teamId, dispatcher } = await start();
  await using _ = dispatcher;
  const wish = { name: "x", defaultSubscription: "opt_in" } as const;
  const [gone, left] = [await createTopic(app, teamId, wish), await createTopic(app, teamId, wish)];
  const topics = [gone, left].map(({ id }) => ({ id, subscription: "opt_out" as const }));
  await saveContact(app, teamId, { email, topics });
  await deleteTopic(app, teamId, gone.id);
  await dispatcher.drained();
  expect(await app.db.values(sql`select topic_id from contact_topics`)).toEqual([[left.id]]);
});

test("the key of a property that many contacts have is free when the last has lost its value", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const id = await createProperty(app, teamId, { key: "plan", type: "string" });
  await createProperty(app, teamId, { key: "other", type: "string" });
  await saveContact(app, teamId, { email, properties: { plan: "pro", other: "x" } });
  await atomically(app, [rawWrite("update contact_totals set total = 6000 where team_id = ?", [teamId])]);
  await deleteProperty(app, teamId, id);
  expect((await listProperties(app, teamId, { limit: 5 })).map(({ key }) => key)).toEqual(["other"]);
  await expect(createProperty(app, teamId, { key: "plan", type: "number" })).rejects.toThrow(
    "try again in a minute",
  );
  const held = {
    id: newId(),
    attempt: 1,
    createdAt: app.now(),
    lane: teamId,
    signal: new AbortController().signal,
  };
  const { writes } = await clearingProperty.run(app, { teamId, id, key: "plan" }, held);
  await atomically(app, writes);
  expect((await getContact(app, teamId, email)).properties).toEqual({ other: "x" });
  await createProperty(app, teamId, { key: "plan", type: "number" });
});
