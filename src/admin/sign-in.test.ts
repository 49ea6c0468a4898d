import { expect, test } from "bun:test";
import { setImmediate } from "node:timers/promises";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { addUser } from "../accounts/service.ts";
import { findSignedIn } from "../accounts/sign-ins.ts";
import { insertMembership } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { listAudit } from "../audit/service.ts";
import { csrfToken } from "./csrf.ts";
import { adminRoutes } from "./routes.ts";

test("signing in, being refused, going to another team and signing out are in the audit logs", async () => {
  const app = await testApp();
  const [here, there] = [await testTeam(app), await testTeam(app, "Wheels")];
  const person = { email: "ada@example.com", password: "correct horse battery", name: "Ada" };
  const { id: userId } = await addUser(app, { ...person, teamId: here.teamId, role: "viewer" });
  const membership = { teamId: there.teamId, userId, role: "viewer" as const };
  await atomically(app, [insertMembership(app.db, { ...membership, createdAt: new Date(0) })]);
  const acts = async (teamId: string) =>
    (await listAudit(app, teamId, { limit: 10 })).map(({ email, act }) => `${email}: ${act}`).toReversed();

  const server = adminRoutes(app);
  const send = (path: string, fields: Record<string, string>, cookie = "") => {
    const body = new URLSearchParams(fields).toString();
    const headers = { cookie, "content-type": "application/x-www-form-urlencoded" };
    return server.handle(
      new Request(`http://mailit.test${path}`, {
        ...{ method: "POST", body, headers: { ...headers, "content-length": String(body.length) } },
      }),
    );
  };
  const { email, password } = person;
  expect((await send("/admin/sign-in", { email, password: "wrong horse" })).status).toBe(401);
  // Nobody waits for that row, so that no answer takes longer for it.
  while ((await acts(here.teamId)).length === 0) await setImmediate();
  const answer = await send("/admin/sign-in", { email, password });
  const cookie = answer.headers.get("set-cookie")!.split(";")[0]!;
  const csrf = csrfToken(app, (await findSignedIn(app, cookie.split("=")[1]!))!);
  expect((await send("/admin/team", { csrf, team: there.teamId }, cookie)).status).toBe(303);
  expect((await send("/admin/sign-out", { csrf }, cookie)).status).toBe(303);

  expect(await acts(here.teamId)).toEqual([
    ...["ada@example.com: Was refused to sign in", "ada@example.com: Signed in"],
    "ada@example.com: Went to another team",
  ]);
  expect(await acts(there.teamId)).toEqual([
    ...["ada@example.com: Came from another team", "ada@example.com: Signed out"],
  ]);
});
