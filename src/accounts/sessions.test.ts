import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { SignJWT, UnsecuredJWT } from "jose";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { changeOwnPassword } from "./account.ts";
import { memberships } from "./schema.ts";
import { addUser, createFirstAccount, disableUser, logIn, setPassword } from "./service.ts";
import { authenticateSession, beginSession, issueToken, passOn } from "./sessions.ts";
import { listSignIns, signIn } from "./sign-ins.ts";

async function signedIn(app: TestApp) {
  const team = await testTeam(app);
  return { ...team, token: await issueToken(app, team.user, team.teamId) };
}

/** A token signed with the right key that says something else. */
async function forged(app: TestApp, token: string, claims: Record<string, unknown>) {
  const honest = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());
  return new SignJWT({ ...honest, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(app.secrets.derive("jwt"));
}

test("a token speaks for its person in its team", async () => {
  const app = await testApp();
  const { token, teamId, userId } = await signedIn(app);
  expect(await authenticateSession(app, token)).toEqual({
    teamId,
    userId,
    role: "owner",
    permission: "full_access",
    terms: { exp: expect.any(Number), pwd: expect.any(String) },
  });
});

test("a token ends with its time", async () => {
  const app = await testApp({ config: { auth: { jwtTtl: 60_000 } } });
  const { token } = await signedIn(app);
  app.clock.advance(59_000);
  expect(await authenticateSession(app, token)).toBeDefined();
  app.clock.advance(1_000);
  expect(await authenticateSession(app, token)).toBeUndefined();
});

test("a changed password ends older tokens, in the same second even, and no newer ones", async () => {
  const app = await testApp();
  const { token, email, user, teamId } = await signedIn(app);
  const changed = { ...user, ...(await setPassword(app, email, "battery staple")) };
  expect(await authenticateSession(app, token)).toBeUndefined();
  expect(await authenticateSession(app, await issueToken(app, changed, teamId))).toBeDefined();
});

test("whoever logs in with the old password while it is changed has nothing by it", async () => {
  const app = await testApp();
  const ada = { email: "ada@example.com", password: "correct horse", name: "Ada", team: "Engines" };
  const account = await createFirstAccount(app, ada);
  const shown = await logIn(app, { ...ada, address: "192.0.2.1" });
  await setPassword(app, ada.email, "battery staple");
  const token = await beginSession(app, shown, "192.0.2.1");
  expect(await authenticateSession(app, token)).toBeUndefined();
  const browser = { address: "192.0.2.1", userAgent: "" };
  await expect(signIn(app, shown.user, account.team.id, browser)).rejects.toMatchObject({
    code: "invalid_credentials",
  });
  expect(await listSignIns(app, account.user.id, { limit: 10 })).toEqual([]);
});

test("of two who change a password at once one does, and of an operator's reset nothing is undone", async () => {
  const app = await testApp();
  const ada = { email: "ada@example.com", password: "correct horse", name: "Ada", team: "Engines" };
  const { user, team } = await createFirstAccount(app, ada);
  const change = (password: string) =>
    changeOwnPassword(app, { user }, { old: ada.password, password, address: "192.0.2.1" }).catch(
      ({ code }) => code,
    );
  const outcomes = await Promise.all([change("first horse"), change("second horse")]);
  expect(outcomes.filter((outcome) => outcome === "invalid_credentials")).toHaveLength(1);
  const changed = outcomes.find((outcome) => outcome !== "invalid_credentials");
  expect(await authenticateSession(app, await issueToken(app, changed, team.id))).toBeDefined();
});

test("a token that is passed on to another team ends when the first does", async () => {
  const app = await testApp({ config: { auth: { jwtTtl: 60_000 } } });
  const { token, teamId } = await signedIn(app);
  app.clock.advance(40_000);
  const session = (await authenticateSession(app, token))!;
  const passed = await passOn(app, session, teamId);
  app.clock.advance(19_000);
  expect(await authenticateSession(app, passed)).toBeDefined();
  app.clock.advance(1_000);
  expect(await authenticateSession(app, passed)).toBeUndefined();
});

test("the token of a disabled person is refused", async () => {
  const app = await testApp();
  const { token, email } = await signedIn(app);
  await disableUser(app, email);
  expect(await authenticateSession(app, token)).toBeUndefined();
});

test("a token ends with the membership", async () => {
  const app = await testApp();
  const { token, userId } = await signedIn(app);
  await atomically(app, [app.db.delete(memberships).where(eq(memberships.userId, userId))]);
  expect(await authenticateSession(app, token)).toBeUndefined();
});

test("a token can't be turned to another team or person, even with the right key", async () => {
  const app = await testApp();
  const { token, teamId } = await signedIn(app);
  const other = await testTeam(app);
  const colleague = { email: "eve@example.com", password: "correct horse", name: "Eve" };
  const { id: colleagueId } = await addUser(app, { ...colleague, teamId, role: "developer" });
  for (const claims of [
    { team_id: other.teamId },
    { sub: other.userId },
    { sub: colleagueId },
    { sub: "' or 1=1 --" },
    { sub: 1 },
    { pwd: undefined },
    { exp: undefined },
  ]) {
    expect(await authenticateSession(app, await forged(app, token, claims))).toBeUndefined();
  }
});

test("a token that is unsigned, signed otherwise, cut or garbage is refused", async () => {
  const app = await testApp();
  const { token, userId, teamId } = await signedIn(app);
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const tokens = [
    new UnsecuredJWT(claims).encode(),
    await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32)),
    await new SignJWT(claims).setProtectedHeader({ alg: "HS512" }).sign(new Uint8Array(64)),
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${Buffer.from(JSON.stringify({ ...claims, team_id: teamId.toUpperCase() })).toString("base64url")}.${signature}`,
    `${token}x`,
    userId,
    "",
    "...",
    "é.é.é",
  ];
  for (const each of tokens) expect(await authenticateSession(app, each)).toBeUndefined();
});

test("tokens are signed with auth.jwtSecret where there is one", async () => {
  const app = await testApp({ config: { auth: { jwtSecret: "s".repeat(32) } } });
  const { token } = await signedIn(app);
  expect(await authenticateSession(app, token)).toBeDefined();
  expect(
    await authenticateSession(
      { ...app, config: { ...app.config, auth: { ...app.config.auth, jwtSecret: "t".repeat(32) } } },
      token,
    ),
  ).toBeUndefined();
});
