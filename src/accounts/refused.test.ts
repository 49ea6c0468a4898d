import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { listAudit } from "../audit/service.ts";
import { noteRefused } from "./refused.ts";
import { addUser } from "./service.ts";

test("who is refused to sign in is in the audit log of their team, once a minute and only where there is such a person", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const person = { email: "ada@example.com", password: "correct horse battery", name: "Ada" };
  await addUser(app, { ...person, teamId, role: "viewer" });
  await noteRefused(app, "nobody@example.com", "192.0.2.1");
  await noteRefused(app, " Ada@Example.com ", "192.0.2.1");
  await noteRefused(app, "ada@example.com", "192.0.2.2");
  app.clock.advance(61_000);
  await noteRefused(app, "ada@example.com", "192.0.2.3");
  expect(
    (await listAudit(app, teamId, { limit: 10 })).map(({ email, act, address }) => [email, act, address]),
  ).toEqual([
    ["ada@example.com", "Was refused to sign in", "192.0.2.3"],
    ["ada@example.com", "Was refused to sign in", "192.0.2.1"],
  ]);
});
