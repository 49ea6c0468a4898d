import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { addUser } from "../accounts/service.ts";
import { issueToken } from "../accounts/sessions.ts";
import { newId } from "../ids.ts";
import type { Role } from "../roles.ts";

const app = await testApp({ config: { rateLimit: { enabled: false } } });
const { ask } = testServer(app);

async function person(teamId: string, role: Role) {
  const email = `${role}-${newId()}@example.com`;
  const user = await addUser(app, { teamId, role, email, password: "correct horse", name: role });
  return { id: user.id, email, key: await issueToken(app, user, teamId) };
}

const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);

test("a team is told and renamed", async () => {
  const { key, teamId } = await testTeam(app, "Engines");
  const answer = { object: "team", id: teamId, name: "Engines", created_at: time };
  expect(await ask("GET", "/team", { key })).toMatchObject({ status: 200, body: answer });
  const renamed = await ask("PATCH", "/team", { key, body: { name: " Wheels " } });
  expect(renamed).toMatchObject({ status: 200, body: { ...answer, name: "Wheels" } });
  expect(await ask("PATCH", "/team", { key, body: { name: "" } })).toMatchObject({
    status: 422,
    body: { name: "validation_error" },
  });
});

test("a person makes another team and is its owner; a key can't", async () => {
  const { key, teamId } = await testTeam(app);
  const { email, key: token } = await person(teamId, "developer");
  const made = await ask("POST", "/team", { key: token, body: { name: " Wheels " } });
  expect(made).toMatchObject({ status: 201, body: { object: "team", id, name: "Wheels", created_at: time } });
  expect(made.headers.get("cache-control")).toBe("no-store");
  const there = { key: made.body.token as string };
  expect((await ask("GET", "/team", there)).body).toMatchObject({ id: made.body.id, name: "Wheels" });
  expect((await ask("GET", "/team/members", there)).body.data).toMatchObject([{ email, role: "owner" }]);
  expect((await ask("GET", "/audit-log", there)).body.data).toMatchObject([
    { actor: email, action: "Created the team “Wheels”", address: "local" },
  ]);
  expect((await ask("GET", "/team", { key: token })).body.id).toBe(teamId);
  expect((await ask("POST", "/team", { key: token, body: { name: " " } })).status).toBe(422);
  expect(await ask("POST", "/team", { key, body: { name: "Mine" } })).toMatchObject({
    status: 403,
    body: { name: "invalid_permission", message: expect.stringMatching(/an API key is nobody/) },
  });
});

test("members are listed, given another role and removed; a key can't touch an owner", async () => {
  const { key, teamId, userId } = await testTeam(app);
  const viewer = await person(teamId, "viewer");
  const { body } = await ask("GET", "/team/members?limit=1", { key });
  expect(body).toEqual({
    object: "list",
    has_more: true,
    data: [
      {
        ...{ id: viewer.id, email: viewer.email, name: "viewer", role: "viewer" },
        ...{ is_disabled: false, created_at: time },
      },
    ],
  });
  const path = `/team/members/${viewer.id}`;
  expect(await ask("PATCH", path, { key, body: { role: "developer" } })).toMatchObject({
    status: 200,
    body: { object: "member", id: viewer.id, role: "developer" },
  });
  const notPermitted = { status: 403, body: { name: "invalid_permission" } };
  expect(await ask("PATCH", path, { key, body: { role: "owner" } })).toMatchObject(notPermitted);
  expect(await ask("DELETE", `/team/members/${userId}`, { key })).toMatchObject(notPermitted);
  expect((await ask("DELETE", path, { key })).body).toEqual({
    object: "member",
    id: viewer.id,
    deleted: true,
  });
  expect((await ask("DELETE", path, { key })).status).toBe(404);
  expect((await ask("GET", "/team", { key: viewer.key })).status).toBe(403);
});

test("invitations are made, listed, sent again and taken back", async () => {
  const { key, teamId } = await testTeam(app);
  const made = await ask("POST", "/team/invitations", {
    key,
    body: { email: "grace@example.org", role: "developer" },
  });
  const item = {
    ...{ id, email: "grace@example.org", role: "developer", invited_by: "an API key" },
    ...{ expires_at: time, created_at: time },
  };
  expect(made.status).toBe(201);
  expect(made.headers.get("cache-control")).toBe("no-store");
  const url = expect.stringMatching(/^http:\/\/mailit\.test\/admin\/invitation\?token=[\w-]{43}$/);
  expect(made.body).toEqual({ object: "invitation", ...item, email_id: null, url });
  const list = await ask("GET", "/team/invitations", { key });
  expect(list.body).toEqual({ object: "list", has_more: false, data: [{ ...item, has_come_back: false }] });

  await testDomain(app, teamId, "invites.example");
  const path = `/team/invitations/${made.body.id}`;
  const again = await ask("POST", `${path}/resend`, { key });
  const emailId: string = again.body.email_id;
  expect(again).toMatchObject({ status: 200, body: { url: null, email_id: id } });
  const email = await ask("GET", `/emails/${emailId}`, { key });
  expect(email.body).toMatchObject({ to: ["grace@example.org"], reply_to: null });
  expect(email.body.text).toStartWith("You are invited to the team Test team");
  expect((await ask("DELETE", path, { key })).body).toEqual({
    object: "invitation",
    id: made.body.id,
    deleted: true,
  });
  expect((await ask("DELETE", path, { key })).status).toBe(404);
});

test("people do what their role lets them, and it is in the audit log", async () => {
  const { teamId } = await testTeam(app);
  const [admin, developer, viewer] = [
    await person(teamId, "admin"),
    await person(teamId, "developer"),
    await person(teamId, "viewer"),
  ];
  for (const { key } of [developer, viewer]) {
    const body = { email: "eve@example.org", role: "viewer" };
    for (const [method, path, given] of [
      ["POST", "/team/invitations", body],
      ["PATCH", "/team", { name: "Theirs" }],
      ["PATCH", `/team/members/${viewer.id}`, { role: "admin" }],
      ["DELETE", `/team/members/${admin.id}`, undefined],
      ["POST", "/api-keys", { name: "All" }],
    ] as const) {
      expect(await ask(method, path, { key, body: given })).toMatchObject({
        status: 403,
        body: { name: "invalid_permission" },
      });
    }
    expect((await ask("GET", "/team/members", { key })).status).toBe(200);
  }
  await ask("PATCH", `/team/members/${viewer.id}`, { key: admin.key, body: { role: "developer" } });
  const log = await ask("GET", "/audit-log?limit=1", { key: viewer.key });
  expect(log.body).toEqual({
    object: "list",
    has_more: false,
    data: [
      {
        ...{ id, created_at: time, actor: admin.email, action: `Made ${viewer.email} developer` },
        ...{ subject_id: viewer.id, address: "local" },
      },
    ],
  });
});

test("another team's people, invitations and log are not there", async () => {
  const ours = await testTeam(app);
  const theirs = await testTeam(app);
  const { id: member } = await person(theirs.teamId, "viewer");
  const { body } = await ask("POST", "/team/invitations", {
    key: theirs.key,
    body: { email: "grace@example.org", role: "viewer" },
  });
  const { key } = ours;
  expect((await ask("PATCH", `/team/members/${member}`, { key, body: { role: "admin" } })).status).toBe(404);
  expect((await ask("DELETE", `/team/members/${member}`, { key })).status).toBe(404);
  expect((await ask("DELETE", `/team/invitations/${body.id}`, { key })).status).toBe(404);
  expect((await ask("GET", "/team/invitations", { key })).body.data).toEqual([]);
  expect((await ask("GET", "/audit-log", { key })).body.data).toEqual([]);
});
