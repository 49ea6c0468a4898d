import { expect, test } from "bun:test";
import { choose, testContact, testSegment, testTopic } from "../../test/support/audience-rows.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { atomically } from "../app.ts";
import { createSegment } from "../contacts/segments.ts";
import { suppress } from "../suppressions/suppress.ts";
import { reachOf } from "./reach.ts";

eachTransport((_, open) => {
  async function scene() {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const topic = await testTopic(app, teamId);
    const contact = (name: string, more = {}) => testContact(app, teamId, `${name}@recipient.test`, more);
    const ada = await contact("ada", { firstName: "Ada" });
    const bob = await contact("bob");
    const left = await contact("left", { unsubscribed: true });
    const blocked = await contact("blocked", { firstName: "Ada" });
    await contact("outside");
    await choose(app, bob, topic, "opt_out");
    await choose(app, left, topic, "opt_out");
    await atomically(app, suppress(app, { teamId, address: "Blocked@recipient.test", reason: "bounce" }));
    const segment = await testSegment(app, teamId, [ada, bob, left, blocked]);
    return { app, teamId, topic, segment };
  }

  test("those who are left out of a segment are counted once, for the first reason", async () => {
    const { app, teamId, topic, segment } = await scene();
    const reach = (topicId: string | null) => reachOf(app, { teamId, segmentId: segment.id, topicId });
    expect(await reach(null)).toEqual({
      ...{ contacts: 4, recipients: 2, unsubscribed: 1, notInTopic: 0, suppressed: 1 },
    });
    expect(await reach(topic.id)).toEqual({
      ...{ contacts: 4, recipients: 1, unsubscribed: 1, notInTopic: 1, suppressed: 1 },
    });
  });

  test("of a dynamic segment those are counted for whom its rules hold", async () => {
    const { app, teamId } = await scene();
    const rules = { all: [{ field: "first_name", operator: "equals", value: "Ada" }] };
    const { id: segmentId } = await createSegment(app, teamId, { name: "Adas", rules });
    expect(await reachOf(app, { teamId, segmentId, topicId: null })).toEqual({
      ...{ contacts: 2, recipients: 1, unsubscribed: 0, notInTopic: 0, suppressed: 1 },
    });
  });

  test("a suppression that has ended keeps nobody out, and nobody counts another team's segment", async () => {
    const { app, teamId, segment } = await scene();
    await app.transport.batch([{ sql: "update suppressions set expires_at = 1", params: [] }]);
    const reach = await reachOf(app, { teamId, segmentId: segment.id, topicId: null });
    expect(reach).toMatchObject({ recipients: 3, suppressed: 0 });
    const other = await testTeam(app);
    const theirs = reachOf(app, { teamId: other.teamId, segmentId: segment.id, topicId: null });
    await expect(theirs).rejects.toThrow("Audience not found");
  });
});
