import { expect, test } from "bun:test";
import { adminForms } from "../../test/support/admin-forms.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { createBroadcast } from "../broadcasts/change.ts";
import { createSegment } from "../contacts/segments.ts";
import { rawWrite } from "../db/write.ts";

const day = 86_400_000;

test("lists of a broadcast whose events are not kept any more say so; its results and others' lists do not", async () => {
  const app = await testApp({ config: { retention: { events: 30 * day } } });
  const team = await testTeam(app);
  const { look } = await adminForms(app, team);
  const segment = await createSegment(app, team.teamId, { name: "All" });
  const sentAgo = async (days: number) => {
    const { id } = await createBroadcast(app, team.teamId, {
      ...{ name: "News", segmentId: segment.id, from: "a@example.com", subject: "News", html: "<p>Hi</p>" },
    });
    const at = app.now().getTime() - days * day;
    const sent = "update broadcasts set status = 'sent', started_at = ?, sent_at = ? where id = ?";
    await atomically(app, [rawWrite(sent, [at, at, id])]);
    return `/admin/broadcasts/${id}`;
  };
  const [old, young] = [await sentAgo(31), await sentAgo(29)];
  for (const list of ["/recipients?type=opened", "/links?counted=1"]) {
    expect(await look(`${old}${list}`)).toContain("is not kept any more");
    expect(await look(`${young}${list}`)).not.toContain("is not kept any more");
  }
  expect(await look(old)).not.toContain("is not kept any more");
});
