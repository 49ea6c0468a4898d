import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";

const app = await testApp();
const { key } = await testTeam(app);
const stranger = await testTeam(app);
const { ask } = testServer(app);

const make = async (path: string, body: unknown) => (await ask("POST", path, { key, body })).body.id;
const usesOf = async (path: string) => (await ask("GET", `${path}/uses`, { key })).body;

test("what uses a topic, a segment or a property is told before it is deleted", async () => {
  const topic = await make("/topics", { name: "Offers", default_subscription: "opt_in" });
  const everybody = await make("/segments", { name: "Everybody" });
  const property = await make("/contact-properties", { key: "city", type: "string" });
  const rules = {
    all: [
      { topic_id: topic, subscription: "opt_in" },
      { segment_id: everybody, is_member: true },
      { field: "properties.city", operator: "is_set" },
    ],
  };
  const dynamic = { id: await make("/segments", { name: "Dynamic", rules }), name: "Dynamic" };
  const part = {
    id: await make(`/audiences/${everybody}/segments`, { name: "Part", conditions: rules.all.slice(2) }),
    name: "Part",
  };
  const content = { from: "hi@example.com", subject: "March", text: "Hello" };
  const draft = { name: "March", segment_id: everybody, topic_id: topic, ...content };
  const broadcast = { id: await make("/broadcasts", draft), name: "March", status: "draft" };

  expect(await usesOf(`/topics/${topic}`)).toEqual({
    ...{ object: "topic_uses", id: topic, broadcasts: [broadcast], segments: [dynamic] },
  });
  expect(await usesOf(`/segments/${everybody}`)).toEqual({
    ...{ object: "segment_uses", id: everybody, broadcasts: [broadcast] },
    ...{ segments: [dynamic], parts: [part] },
  });
  expect(await usesOf(`/contact-properties/${property}`)).toEqual({
    ...{ object: "contact_property_uses", id: property, segments: [part, dynamic] },
  });

  for (const path of [`/topics/${topic}`, `/segments/${everybody}`, `/contact-properties/${property}`]) {
    expect((await ask("GET", `${path}/uses`, { key: stranger.key })).status).toBe(404);
  }
});
