import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testServer } from "../../test/support/test-server.ts";
import { issueToken } from "../accounts/sessions.ts";
import { createKey } from "../keys/service.ts";

const limited = (requestsPerSecond: number, enabled = true) =>
  testApp({ config: { rateLimit: { enabled, requestsPerSecond } } });

const headersOf = (headers: Headers) => ({
  limit: headers.get("ratelimit-limit"),
  policy: headers.get("ratelimit-policy"),
  remaining: headers.get("ratelimit-remaining"),
  reset: headers.get("ratelimit-reset"),
});

test("every answer says what is left, and what is too much is refused until the second is over", async () => {
  const app = await limited(2);
  const { key } = await testTeam(app);
  const { ask } = testServer(app);
  const fixed = { limit: "2", policy: "2;w=1", reset: "1" };

  const first = await ask("GET", "/api-keys", { key });
  expect(headersOf(first.headers)).toEqual({ ...fixed, remaining: "1" });
  expect(first.headers.has("retry-after")).toBeFalse();
  app.clock.advance(999);
  expect(headersOf((await ask("GET", "/api-keys?limit=0", { key })).headers)).toEqual({
    ...fixed,
    remaining: "0",
  });
  const refused = await ask("GET", "/api-keys", { key });
  expect(refused).toMatchObject({
    status: 429,
    body: {
      statusCode: 429,
      name: "rate_limit_exceeded",
      message:
        "Too many requests. You can only make 2 requests per second. See rate limit response headers for more information. Or contact support to increase rate limit.",
    },
  });
  expect(headersOf(refused.headers)).toEqual({ ...fixed, remaining: "0" });
  expect(refused.headers.get("retry-after")).toBe("1");
  app.clock.advance(1);
  expect((await ask("GET", "/api-keys", { key })).status).toBe(200);
});

test("errors of known callers carry the headers too", async () => {
  const app = await limited(10);
  const { teamId, key } = await testTeam(app);
  const { token } = await createKey(app, teamId, { name: "Sender", permission: "sending_access" });
  const { ask } = testServer(app);
  const broken = { "content-type": "application/json" };
  for (const { status, headers } of [
    await ask("GET", "/emails/no-id", { key }),
    await ask("POST", "/emails", { key, body: "{", headers: broken }),
    await ask("POST", "/domains", { key, body: {} }),
    await ask("GET", "/emails", { key: token }),
  ]) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headersOf(headers)).toMatchObject({ limit: "10", remaining: "9" });
  }
});

test("each key and each endpoint has an allowance of its own, and an item's path is one endpoint", async () => {
  const app = await limited(1);
  const [mine, theirs] = [await testTeam(app), await testTeam(app)];
  const { token: second } = await createKey(app, mine.teamId, { name: "Second" });
  const { ask } = testServer(app);
  const statuses: number[] = [];
  for (const [method, path, key] of [
    ["GET", "/api-keys", mine.key],
    ["GET", "/domains", mine.key],
    ["GET", "/api-keys", second],
    ["GET", "/api-keys", theirs.key],
    ["GET", "/emails/a", mine.key],
    ["GET", "/emails/b", mine.key],
    ["GET", "/api-keys", mine.key],
  ] as const) {
    statuses.push((await ask(method, path, { key })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 404, 429, 429]);
});

test("a person is counted over all their sessions, apart from the team's keys", async () => {
  const app = await limited(1);
  const { user, teamId, key } = await testTeam(app);
  const first = await issueToken(app, user, teamId);
  app.clock.advance(1_000); // else it would be the same token
  const second = await issueToken(app, user, teamId);
  const { ask } = testServer(app);
  expect((await ask("GET", "/domains", { key: first })).status).toBe(200);
  expect((await ask("GET", "/domains", { key: second })).status).toBe(429);
  expect((await ask("GET", "/domains", { key })).status).toBe(200);
});

test("a request over the limit has no effect", async () => {
  const app = await limited(1);
  const { key } = await testTeam(app);
  const { ask } = testServer(app);
  for (const status of [201, 429]) {
    expect((await ask("POST", "/api-keys", { key, body: { name: "CI" } })).status).toBe(status);
  }
  expect((await ask("GET", "/api-keys", { key })).body.data).toHaveLength(2);
});

test("a clock that is set back locks nobody out", async () => {
  const app = await limited(1);
  const { key } = await testTeam(app);
  const { ask } = testServer(app);
  expect((await ask("GET", "/domains", { key })).status).toBe(200);
  app.clock.advance(-3_600_000);
  expect((await ask("GET", "/domains", { key })).status).toBe(200);
});

test("without limits there are no headers", async () => {
  const app = await limited(1, false);
  const { key } = await testTeam(app);
  const { ask } = testServer(app);
  for (let index = 0; index < 3; index++) {
    const { status, headers } = await ask("GET", "/domains", { key });
    expect(status).toBe(200);
    expect([...headers.keys()].filter((name) => name.startsWith("ratelimit"))).toEqual([]);
  }
});

test("the official SDK sees the refusal and the headers", async () => {
  const app = await limited(1);
  const { key } = await testTeam(app);
  const resend = testServer(app).sdk(key);
  expect((await resend.domains.list()).error).toBeNull();
  const { error, headers } = await resend.domains.list();
  expect(error).toMatchObject({ name: "rate_limit_exceeded", statusCode: 429 });
  expect(headers).toMatchObject({ "ratelimit-limit": "1", "retry-after": "1" });
});
