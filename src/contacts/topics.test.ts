import { expect, spyOn, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { newId } from "../ids.ts";
import { requireStaticSegments } from "./segments.ts";
import { requireTopics } from "./topics.ts";

test("of many topics and segments that are not there, one is looked for", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const ids = Array.from({ length: 500 }, () => newId());
  const query = spyOn(app.transport, "query");
  for (const look of [requireTopics, requireStaticSegments]) {
    query.mockClear();
    await expect(look(app, teamId, ids)).rejects.toThrow("not found");
    expect(query).toHaveBeenCalledTimes(1);
  }
});
