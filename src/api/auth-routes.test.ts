import { describe, expect, test } from "bun:test";
import { type TestApp, testApp, testTeam } from "../../test/support/test-app.ts";
import { setupToken } from "../accounts/first-run.ts";
import { authenticateSession } from "../accounts/sessions.ts";
import { listTeamsOf } from "../accounts/sign-ins.ts";
import { insertMembership } from "../accounts/store.ts";
import { atomically } from "../app.ts";
import { listAudit } from "../audit/service.ts";
import { invite } from "../invitations/service.ts";
import { authRoutes } from "./auth-routes.ts";
import { keyRoutes } from "./keys.ts";
import { makeServer } from "./server.ts";

const ada = { email: "Ada@example.com", password: "correct horse", name: "Ada", team_name: "Engines" };

const serverOf = (app: TestApp) => makeServer(app).use(authRoutes(app)).use(keyRoutes(app));

function clientOf(app: TestApp) {
  const server = serverOf(app);
  const asFirst = { setup_token: setupToken(app) };
  return async (path: string, given?: unknown, token?: string) => {
    const body = path === "/auth/register" ? { ...asFirst, ...(given as typeof ada) } : given;
    const headers = {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const method = body === undefined ? "GET" : "POST";
    const response = await server.handle(
      new Request(`http://mailit.test${path}`, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    );
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
}

test("whoever registers first is logged in, and logs in again later", async () => {
  const app = await testApp();
  const call = clientOf(app);
  const registered = await call("/auth/register", ada);
  expect(registered.status).toBe(201);
  expect(registered.body).toEqual({
    token: expect.any(String),
    user: { id: expect.any(String), email: "ada@example.com", name: "Ada" },
  });
  const loggedIn = await call("/auth/login", { email: ada.email, password: ada.password });
  expect(loggedIn.status).toBe(200);
  expect(loggedIn.body.user).toEqual(registered.body.user);
  expect(loggedIn.headers.get("cache-control")).toBe("no-store");
  for (const { token } of [registered.body, loggedIn.body]) {
    expect(await call("/api-keys", undefined, token)).toMatchObject({ status: 200, body: { data: [] } });
  }
});

test("a server others can reach is claimed with the token of its setup link, or from its own machine", async () => {
  const register = async (given: {
    host?: string;
    token?: string;
    sandbox?: boolean;
    publicUrl?: string;
    headers?: Record<string, string>;
  }) => {
    await using app = await testApp({
      sandbox: given.sandbox ?? false,
      config: { server: { publicUrl: given.publicUrl ?? "http://localhost:8080" } },
    });
    const server = serverOf(app).listen({ hostname: "127.0.0.1", port: 0 });
    const token = given.token?.replace("right", setupToken(app));
    try {
      const response = await fetch(`http://127.0.0.1:${server.server!.port}/auth/register`, {
        method: "POST",
        headers: { "content-type": "application/json", ...given.headers },
        body: JSON.stringify({ ...ada, setup_token: token }),
      });
      const { message } = await response.json();
      return message ?? response.status;
    } finally {
      await server.stop(true);
    }
  };
  const refused = expect.stringMatching("Open the setup link that `mailit serve` printed");
  const elsewhere = { headers: { host: "mail.example.com" } };
  expect(await register(elsewhere)).toEqual(refused);
  expect(await register({ headers: { "x-forwarded-for": "192.0.2.1" } })).toEqual(refused);
  // A page elsewhere, in the browser of whoever sits here. CORS does not keep a body without a type from being sent.
  expect(await register({ headers: { origin: "https://page.example" } })).toEqual(refused);
  expect(await register({ ...elsewhere, token: "guessed" })).toEqual(refused);
  expect(await register({ ...elsewhere, token: "right" })).toBe(201);
  expect(await register({ ...elsewhere, sandbox: true })).toBe(201);
  // A proxy on the same machine may say nothing of whom it speaks for, and name the server as it reaches it.
  expect(await register({ publicUrl: "https://mail.example.com" })).toEqual(refused);
  expect(await register({})).toBe(201);
});

test("who logs in may say which of their teams the token is for", async () => {
  const app = await testApp();
  const call = clientOf(app);
  const { user } = (await call("/auth/register", ada)).body;
  const newest = await testTeam(app);
  const joined = { teamId: newest.teamId, userId: user.id, role: "viewer" as const };
  await atomically(app, [insertMembership(app.db, { ...joined, createdAt: new Date("2026-03-02") })]);
  const [first] = await listTeamsOf(app, user.id);
  const { email, password } = ada;
  const logIn = async (team_id?: string) => call("/auth/login", { email, password, team_id });
  const teamOf = async (token: string) => (await authenticateSession(app, token))?.teamId;
  expect(await teamOf((await logIn()).body.token)).toBe(newest.teamId);
  expect(await teamOf((await logIn(first!.id.toUpperCase())).body.token)).toBe(first!.id);
  const stranger = await testTeam(app);
  expect(await logIn(stranger.teamId)).toMatchObject({
    status: 422,
    body: { message: "Invalid `team_id` field. You are not in that team." },
  });
  const guess = { email, password: "wrong horse", team_id: stranger.teamId };
  expect((await call("/auth/login", guess)).status).toBe(401);
});

describe("an invitation is accepted without a browser", async () => {
  const app = await testApp({ config: { rateLimit: { enabled: false } } });
  const call = clientOf(app);
  const invited = async (email: string) => {
    const { teamId } = await testTeam(app);
    const { handing } = await invite(app, teamId, { email, role: "developer", invitedBy: "an API key" });
    return { teamId, token: new URL((handing as { link: string }).link).searchParams.get("token")! };
  };
  const accept = (body: Record<string, string>) => call("/auth/accept-invite", body);

  test("by somebody new, once", async () => {
    const { teamId, token } = await invited("grace@example.org");
    const person = { token, name: "Grace", password: "battery staple" };
    const refused = { status: 422, body: { name: "validation_error" } };
    expect(await accept({ ...person, password: "short" })).toMatchObject(refused);
    expect(await accept({ token, password: "battery staple" })).toMatchObject({
      ...refused,
      body: { message: expect.stringContaining("`name`") },
    });

    const { status, body, headers } = await accept(person);
    expect(status).toBe(200);
    expect(body).toEqual({
      token: expect.any(String),
      user: { id: expect.any(String), email: "grace@example.org", name: "Grace" },
    });
    expect(headers.get("cache-control")).toBe("no-store");
    const session = { teamId, userId: body.user.id, role: "developer" };
    expect(await authenticateSession(app, body.token)).toMatchObject(session);
    const entry = { email: "grace@example.org", address: "local" };
    expect((await listAudit(app, teamId, { limit: 2 })).slice(0, 2)).toMatchObject([
      { ...entry, act: "Logged in by the API" },
      { ...entry, act: "Joined the team as developer" },
    ]);
    const again = { status: 404, body: { name: "not_found", message: expect.stringContaining("was used") } };
    expect(await accept(person)).toMatchObject(again);
    expect(await accept({ ...person, token: "none" })).toMatchObject(again);
  });

  test("by somebody who has an account, with its password", async () => {
    const first = await invited("ida@example.org");
    const person = { name: "Ida", password: "battery staple" };
    await accept({ token: first.token, ...person });
    const { teamId, token } = await invited("ida@example.org");
    expect(await accept({ token, name: "Eve", password: "a new password" })).toMatchObject({
      status: 401,
      body: { message: "Wrong email or password." },
    });
    const { status, body } = await accept({ token, password: person.password });
    expect([status, body.user.name]).toEqual([200, "Ida"]);
    expect((await authenticateSession(app, body.token))?.teamId).toBe(teamId);
  });
});

test("attempts to accept an invitation are limited as those to log in are", async () => {
  const app = await testApp({ config: { rateLimit: { loginsPerMinute: 1 } } });
  const call = clientOf(app);
  const guess = async () =>
    (await call("/auth/accept-invite", { token: "none", name: "Eve", password: "guess guess" })).status;
  expect([await guess(), await guess()]).toEqual([404, 429]);
});

test("that somebody logged in is in the audit log of the team they act in", async () => {
  const app = await testApp();
  const call = clientOf(app);
  await call("/auth/register", ada);
  const { token } = (await call("/auth/login", { email: ada.email, password: ada.password })).body;
  const { teamId, userId } = (await authenticateSession(app, token))!;
  const entry = { act: "Logged in by the API", userId, email: "ada@example.com", address: "local" };
  expect(await listAudit(app, teamId, { limit: 5 })).toMatchObject([entry, entry]); // registering is one, too
});

test("a token is refused once its time is over", async () => {
  const app = await testApp({ config: { auth: { jwtTtl: 60_000 } } });
  const call = clientOf(app);
  const { token } = (await call("/auth/register", ada)).body;
  app.clock.advance(60_000);
  expect(await call("/api-keys", undefined, token)).toMatchObject({
    status: 403,
    body: { name: "invalid_api_key" },
  });
});

test("who comes second may not register, and learns nothing about the first", async () => {
  const app = await testApp();
  const call = clientOf(app);
  await call("/auth/register", ada);
  const closed = { statusCode: 403, name: "invalid_permission" };
  expect((await call("/auth/register", { ...ada, email: "eve@example.com" })).body).toMatchObject(closed);
  expect((await call("/auth/register", ada)).body).toMatchObject(closed);
});

test("a wrong password and an unknown address are answered alike, with 401", async () => {
  const app = await testApp();
  const call = clientOf(app);
  await call("/auth/register", ada);
  const answer = { statusCode: 401, name: "validation_error", message: "Wrong email or password." };
  expect((await call("/auth/login", { email: ada.email, password: "wrong horse" })).body).toEqual(answer);
  expect((await call("/auth/login", { email: "eve@example.com", password: "x" })).body).toEqual(answer);
});

test.each([
  [
    "/auth/register",
    { ...ada, team_name: undefined },
    "missing_required_field",
    "Missing `team_name` field.",
  ],
  [
    "/auth/register",
    { ...ada, password: "short" },
    "validation_error",
    "Invalid `password` field. A password has 8 to 1000 characters.",
  ],
  ["/auth/register", { ...ada, email: ["ada@example.com"] }, "validation_error", "Invalid `email` field."],
  ["/auth/login", { email: ada.email }, "missing_required_field", "Missing `password` field."],
  ["/auth/login", [], "validation_error", "The request body must be a JSON object."],
])("%s refuses %j", async (path, body, name, message) => {
  const app = await testApp();
  expect(await clientOf(app)(path, body)).toMatchObject({ status: 422, body: { name, message } });
});

test("attempts are limited by address, in whatever guise they come", async () => {
  await using app = await testApp({
    config: { server: { trustedProxies: ["127.0.0.1/32"] }, rateLimit: { loginsPerMinute: 2 } },
  });
  const server = serverOf(app).listen({ hostname: "127.0.0.1", port: 0 });
  const attempt = async (forwardedFor: string, email: string) => {
    const response = await fetch(`http://127.0.0.1:${server.server!.port}/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-forwarded-for": forwardedFor },
      body: JSON.stringify({ email, password: "guess guess" }),
    });
    return response.status;
  };
  try {
    expect(await attempt("192.0.2.1", "a@example.com")).toBe(401);
    expect(await attempt("203.0.113.5, 192.0.2.1", "b@example.com")).toBe(401);
    expect(await attempt("203.0.113.6, 192.0.2.1", "c@example.com")).toBe(429);
    expect(await attempt("192.0.2.2", "a@example.com")).toBe(401);
    app.clock.advance(30_000);
    expect(await attempt("192.0.2.1", "a@example.com")).toBe(401);
  } finally {
    await server.stop(true);
  }
});
