import { expect, test } from "bun:test";
import { type TestApp, testApp } from "../../test/support/test-app.ts";
import { setupToken } from "../accounts/first-run.ts";
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
    headers?: Record<string, string>;
  }) => {
    await using app = await testApp({ sandbox: given.sandbox ?? false });
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
  expect(await register({})).toBe(201);
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
