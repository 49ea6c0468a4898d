import { expect, test } from "bun:test";
import { utimesSync } from "node:fs";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { sendEmail } from "../emails/send.ts";
import { removeOrphans } from "./orphans.ts";

const hour = 3_600_000;

/** As old as the clock says. */
function isAsOldAs(app: TestApp, hash: string, hours: number) {
  const at = new Date(app.now().getTime() - hours * hour);
  utimesSync(app.blobs.fileOf!(hash), at, at);
}

test("a blob that nobody names goes a day after it was stored; what is named, or younger, stays", async () => {
  const app = await testApp({ now: new Date() });
  const { teamId } = await testTeam(app);
  await testDomain(app, teamId);
  await sendEmail(
    app,
    { teamId },
    {
      ...{ from: "ada@example.com", to: ["bob@recipient.test"], cc: [], bcc: [], replyTo: [] },
      ...{ subject: "Hi", text: "Hi", headers: {}, tags: [] },
      attachments: [{ filename: "a", content: Buffer.from("named") }],
    },
  );
  const put = async (text: string) => (await app.blobs.put(Buffer.from(text))).hash;
  const [named, old, young] = [await put("named"), await put("old"), await put("young")];
  for (const [hash, hours] of [
    [named, 30],
    [old, 25],
    [young, 23],
  ] as const) {
    isAsOldAs(app, hash, hours);
  }
  const left = async () => {
    const all = await Promise.all([named, old, young].map((hash) => app.blobs.sizeOf(hash)));
    return all.map((size) => size !== undefined);
  };
  for (let run = 0; run < 23; run++) await removeOrphans(app);
  expect(await app.db.values("select name from walks where name = 'blobs' and cursor < 'ff'")).toHaveLength(
    1,
  );
  await removeOrphans(app); // through all parts, and on from the first
  expect(await left()).toEqual([true, false, true]);
  app.clock.advance(2 * hour);
  for (let run = 0; run < 24; run++) await removeOrphans(app);
  expect(await left()).toEqual([true, false, false]);
});
