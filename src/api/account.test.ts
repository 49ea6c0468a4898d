import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { setupToken } from "../accounts/first-run.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { findSignedIn, signIn } from "../accounts/sign-ins.ts";
import { insertMembership } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { flushLogs } from "../logs/record.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } } });
const { ask } = testServer(app);

const password = "correct horse";
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);

/** Somebody who may only look, for most of what is a person's own must be a viewer's too. */
async function viewer() {
  const team = await testTeam(app, "Engines");
  const email = `ada-${newId()}@example.com`;
  const user = await addUser(app, { teamId: team.teamId, role: "viewer", email, password, name: "Ada" });
  const key = await issueToken(app, user, team.teamId);
  const browse = () => signIn(app, user, team.teamId, { address: "192.0.2.7", userAgent: "Firefox" });
  return { ...team, owner: team.key, user, email, key, browse };
}

const lastActs = async (key: string, count: number) =>
  (await ask("GET", `/audit-log?limit=${count}`, { key })).body.data.map(
    ({ actor, action }: { actor: string; action: string }) => [actor, action],
  );

test("a viewer is told who they are, and changes their name", async () => {
  const { key, user, email, teamId, owner } = await viewer();
  const account = {
    ...{ object: "account", id: user.id, name: "Ada", email, role: "viewer", created_at: time },
    team: { id: teamId, name: "Engines" },
  };
  expect(await ask("GET", "/account", { key })).toMatchObject({ status: 200, body: account });
  const renamed = await ask("PATCH", "/account", { key, body: { name: " Ada Lovelace " } });
  expect(renamed).toMatchObject({ status: 200, body: { ...account, name: "Ada Lovelace" } });
  expect(await lastActs(owner, 1)).toEqual([[email, "Changed their own name"]]);
  expect(await ask("PATCH", "/account", { key, body: { name: " " } })).toMatchObject({
    status: 422,
    body: { name: "validation_error", message: expect.stringContaining("`name`") },
  });
});

test("a changed password ends every token and sign-in, and the answer has a new token", async () => {
  const { key, user, email, browse, teamId } = await viewer();
  const cookie = await browse();
  const change = (old_password: string, to: string) =>
    ask("POST", "/account/password", { key, body: { old_password, password: to } });
  expect(await change("wrong horse", "battery staple")).toMatchObject({
    status: 401,
    body: { message: "Invalid `old_password` field. That is not your password." },
  });
  expect((await change(password, "short")).status).toBe(422);
  expect(await findSignedIn(app, cookie)).toBeDefined();

  const { status, body, headers } = await change(password, "battery staple");
  expect(status).toBe(200);
  expect(body).toEqual({ object: "account", id: user.id, token: expect.any(String) });
  expect(headers.get("cache-control")).toBe("no-store");
  expect((await ask("GET", "/account", { key })).status).toBe(403);
  expect(await findSignedIn(app, cookie)).toBeUndefined();
  expect((await ask("GET", "/account", { key: body.token })).body.team.id).toBe(teamId);
  const logIn = (given: string) => ask("POST", "/auth/login", { body: { email, password: given } });
  expect((await logIn(password)).status).toBe(401);
  expect((await logIn("battery staple")).status).toBe(200);
});

test("passwords and tokens are in no log", async () => {
  const { key, owner } = await viewer();
  const body = { old_password: password, password: "battery staple" };
  await ask("POST", "/account/password", { key, body });
  await flushLogs(app);
  const { data } = (await ask("GET", "/logs?endpoint=/account/password", { key: owner })).body;
  const log = (await ask("GET", `/logs/${data[0].id}`, { key: owner })).body;
  expect(log).toMatchObject({
    request_body: { old_password: "[masked]", password: "[masked]" },
    response_body: { token: "[masked]" },
  });
});

test("a viewer sees their browsers, and signs out of one and of all", async () => {
  const { key, browse, owner, email } = await viewer();
  const cookies = [await browse(), await browse(), await browse()];
  const signedIn = async () => {
    const found = await Promise.all(cookies.map((cookie) => findSignedIn(app, cookie)));
    return found.map((who) => who !== undefined);
  };
  const { body } = await ask("GET", "/account/sign-ins?limit=2", { key });
  const browser = { address: "192.0.2.7", user_agent: "Firefox" };
  const shown = {
    id: expect.any(String),
    ...browser,
    created_at: time,
    last_seen_at: time,
    expires_at: time,
  };
  expect(body).toEqual({ object: "list", has_more: true, data: [shown, shown] });

  const newest = body.data[0].id;
  const path = `/account/sign-ins/${newest}`;
  expect((await ask("DELETE", path, { key })).body).toEqual({ object: "sign_in", id: newest, deleted: true });
  expect(await signedIn()).toEqual([true, true, false]);
  expect(await ask("DELETE", path, { key })).toMatchObject({ status: 404, body: { name: "not_found" } });
  const other = await viewer();
  const elsewhere = `/account/sign-ins/${body.data[1].id}`;
  expect((await ask("DELETE", elsewhere, { key: other.key })).status).toBe(404);

  expect((await ask("DELETE", "/account/sign-ins", { key })).body).toEqual({
    object: "sign_in",
    deleted: true,
  });
  expect(await signedIn()).toEqual([false, false, false]);
  expect(await lastActs(owner, 2)).toEqual([
    [email, "Signed out all browsers of their own"],
    [email, "Signed out a browser of their own"],
  ]);
});

test("a viewer goes to another of their teams, and to nobody else's", async () => {
  const { key, user, email, teamId } = await viewer();
  const wheels = await testTeam(app, "Wheels");
  const joined = { teamId: wheels.teamId, userId: user.id, role: "admin" as const, createdAt: app.now() };
  await atomically(app, [insertMembership(app.db, joined)]);
  expect((await ask("GET", "/account/teams", { key })).body).toEqual({
    object: "list",
    has_more: false,
    data: [
      { id: teamId, name: "Engines", role: "viewer", is_current: true, created_at: time },
      { id: wheels.teamId, name: "Wheels", role: "admin", is_current: false, created_at: time },
    ],
  });

  const made = await ask("POST", `/account/teams/${wheels.teamId.toUpperCase()}/token`, { key });
  expect(made).toMatchObject({
    status: 200,
    body: { object: "token", team: { id: wheels.teamId, name: "Wheels" } },
  });
  expect(made.headers.get("cache-control")).toBe("no-store");
  expect((await ask("GET", "/account", { key: made.body.token })).body).toMatchObject({
    role: "admin",
    team: { name: "Wheels" },
  });
  expect((await ask("GET", "/account", { key })).body.team.id).toBe(teamId);
  expect(await lastActs(wheels.key, 1)).toEqual([[email, "Came from another team, with a token"]]);

  const stranger = await testTeam(app);
  for (const id of [stranger.teamId, "no-id"]) {
    expect(await ask("POST", `/account/teams/${id}/token`, { key })).toMatchObject({
      status: 404,
      body: { name: "not_found", message: "You are not in that team." },
    });
  }
});

test("a viewer makes a team of their own", async () => {
  const { key } = await viewer();
  const made = await ask("POST", "/team", { key, body: { name: "Wheels" } });
  expect(made.status).toBe(201);
  expect((await ask("GET", "/account", { key: made.body.token })).body.role).toBe("owner");
});

test.each([
  ["GET", "/account"],
  ["PATCH", "/account"],
  ["POST", "/account/password"],
  ["GET", "/account/sign-ins"],
  ["DELETE", "/account/sign-ins"],
  ["DELETE", "/account/sign-ins/no-id"],
  ["GET", "/account/teams"],
  ["POST", "/account/teams/no-id/token"],
])("%s %s is for people, and an API key is nobody", async (method, path) => {
  const { key } = await testTeam(app);
  const body = method === "PATCH" || method === "POST" ? "{" : undefined;
  expect(await ask(method, path, { key, body })).toMatchObject({
    status: 403,
    body: { name: "invalid_permission", message: expect.stringContaining("`POST /auth/login`") },
  });
});

test("guesses of the old password are limited as those to log in are", async () => {
  const limited = await testApp({ config: { rateLimit: { loginsPerMinute: 2 } } });
  const server = testServer(limited);
  const ada = { email: "ada@example.com", password, name: "Ada", team_name: "Engines" };
  const body = { ...ada, setup_token: setupToken(limited) };
  const { token: key } = (await server.ask("POST", "/auth/register", { body })).body;
  const guess = async () => {
    const body = { old_password: "wrong horse", password: "battery staple" };
    return (await server.ask("POST", "/account/password", { key, body })).status;
  };
  expect([await guess(), await guess()]).toEqual([401, 429]);
});
