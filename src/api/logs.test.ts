import { expect, test } from "bun:test";
import { Elysia } from "elysia";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { testDomain } from "../../test/support/test-domain.ts";
import { testServer } from "../../test/support/test-server.ts";
import { issueToken } from "../accounts/sessions.ts";
import { createKey } from "../keys/service.ts";
import { flushLogs } from "../logs/record.ts";
import { authenticated } from "./auth.ts";
import { makeServer } from "./server.ts";

/** An app with a team, its door, and what the door's log holds. */
async function scene(config: Parameters<typeof testApp>[0] = {}) {
  const app = await testApp(config);
  const team = await testTeam(app);
  const server = testServer(app);
  const logs = async (query = "", key = team.key) => {
    await flushLogs(app);
    return (await server.ask("GET", `/logs${query}`, { key })).body;
  };
  /** The log of an answer, by the id the answer carries. */
  const logOf = async ({ headers }: { headers: Headers }, key = team.key) => {
    await flushLogs(app);
    return (await server.ask("GET", `/logs/${headers.get("x-request-id")}`, { key })).body;
  };
  return { app, ...team, ...server, logs, logOf };
}

const agent = { "user-agent": "resend-node:6.38.0" };

test("a request is listed and shown as the contract has it, under the id its answer carries", async () => {
  const { app, teamId, key, keyId, ask, logs, logOf } = await scene();
  const { name } = await testDomain(app, teamId);
  const email = { from: `a@${name}`, to: "b@example.org", subject: "s", text: "t" };
  const sent = await ask("POST", "/emails?x=secret", { key, body: email, headers: agent });
  const item = {
    id: sent.headers.get("x-request-id"),
    created_at: app.now().toISOString(),
    endpoint: "/emails",
    method: "POST",
    response_status: 200,
    user_agent: "resend-node:6.38.0",
    duration_ms: 0,
    api_key_id: keyId,
    address: "local",
  };
  expect(await logs()).toEqual({ object: "list", has_more: false, data: [item] });
  expect(await logOf(sent)).toEqual({
    object: "log",
    ...item,
    request_body: email,
    response_body: { id: sent.body.id },
  });
});

test("the official SDK lists and gets logs", async () => {
  const { app, key, sdk } = await scene();
  const resend = sdk(key);
  await resend.domains.list();
  await flushLogs(app);
  const { data } = await resend.logs.list();
  expect(data?.data).toMatchObject([{ endpoint: "/domains", method: "GET", response_status: 200 }]);
  const got = await resend.logs.get(data!.data[0]!.id);
  expect(got.data).toMatchObject({
    object: "log",
    user_agent: "resend-node:6.38.0",
    request_body: null,
    response_body: { object: "list", data: [] },
  });
  expect((await resend.logs.get("no-id")).error).toMatchObject({
    statusCode: 404,
    message: "Log not found",
  });
});

test("what a known caller is refused has its log too", async () => {
  const { app, teamId, key, ask, logOf } = await scene({
    config: { rateLimit: { requestsPerSecond: 1 } },
  });
  const { token } = await createKey(app, teamId, { name: "S", permission: "sending_access" });
  const { token: distant } = await createKey(app, teamId, { name: "D", allowedIps: ["203.0.113.7"] });
  const broken = { "content-type": "application/json" };
  for (const [answer, status, body] of [
    [await ask("POST", "/domains", { key, body: { name: "" } }), 422, { name: "" }],
    [await ask("POST", "/domains", { key, body: { name: "a" } }), 429, null],
    [await ask("POST", "/emails", { key, body: "{", headers: broken }), 400, null],
    [await ask("GET", "/emails", { key: token }), 401, null],
    [await ask("GET", "/emails", { key: distant }), 403, null],
  ] as const) {
    expect(answer.status).toBe(status);
    app.clock.advance(1_000);
    expect(await logOf(answer)).toMatchObject({
      response_status: status,
      response_body: answer.body,
      request_body: body,
    });
  }
});

test("strangers, and paths that are none, fill nobody's log", async () => {
  const { ask, logs, key } = await scene();
  await ask("GET", "/emails");
  await ask("GET", "/emails", { key: "re_wrong" });
  await ask("POST", "/auth/login", { body: { email: "a@example.com", password: "hunter2" } });
  await ask("GET", "/nope", { key });
  expect((await logs()).data).toEqual([]);
});

test("a fault of ours is in the log as what the client saw of it", async () => {
  const { app, key, logOf } = await scene();
  const server = makeServer(app).use(
    new Elysia()
      .use(authenticated(app, "full_access"))
      .get("/fault", () => Promise.reject(new Error("inside"))),
  );
  const request = new Request("http://mailit.test/fault", { headers: { authorization: `Bearer ${key}` } });
  const answer = await server.handle(request);
  expect(await logOf(answer)).toMatchObject({
    endpoint: "/fault",
    response_status: 500,
    response_body: { statusCode: 500, message: "An unexpected error occurred." },
  });
});

test("what is no JSON is not in the log, only that it was asked", async () => {
  const { app, key, logOf } = await scene();
  const csv = new Response("a,b", { status: 206, headers: { "content-type": "text/csv" } });
  const server = makeServer(app).use(
    new Elysia()
      .use(authenticated(app, "full_access"))
      .get("/file", () => csv)
      .get("/busy", ({ status }) => status(409, { why: "busy" })),
  );
  const ask = (path: string) =>
    server.handle(new Request(`http://mailit.test${path}`, { headers: { authorization: `Bearer ${key}` } }));
  expect(await logOf(await ask("/file"))).toMatchObject({ response_status: 206, response_body: null });
  expect(await logOf(await ask("/busy"))).toMatchObject({
    response_status: 409,
    response_body: { why: "busy" },
  });
});

test("no token, password or attachment is in the log", async () => {
  const { app, teamId, key, ask } = await scene();
  const { name } = await testDomain(app, teamId);
  const made = await ask("POST", "/api-keys", { key, body: { name: "CI", password: "hunter2" } });
  const content = Buffer.from("top secret contents").toString("base64");
  const attachments = [{ filename: "a.txt", content }];
  const email = { from: `a@${name}`, to: "b@example.org", subject: "s", text: "t", attachments };
  await ask("POST", "/emails", { key, body: email, headers: { authorization: `Bearer ${key}` } });
  await flushLogs(app);
  const stored = JSON.stringify((await app.transport.query("select * from logs", [], "all")).rows);
  expect(stored).toContain("[masked]");
  expect(stored).toContain("[19 bytes]");
  for (const secret of [made.body.token, key, "hunter2", content]) expect(stored).not.toContain(secret);
});

test("a person's session is logged without a key", async () => {
  const { app, user, teamId, ask, logOf } = await scene();
  const token = await issueToken(app, user, teamId);
  const answer = await ask("GET", "/domains", { key: token });
  expect(await logOf(answer)).toMatchObject({ api_key_id: null, endpoint: "/domains" });
});

test("another team sees nothing of it", async () => {
  const { app, key, ask, logs, logOf } = await scene();
  const other = await testTeam(app);
  const answer = await ask("GET", "/domains", { key });
  expect((await logs("", other.key)).data).toEqual([]);
  expect(await logOf(answer, other.key)).toMatchObject({ statusCode: 404, message: "Log not found" });
});

test("who asks for logs is logged like everything else", async () => {
  const { logs } = await scene();
  expect((await logs()).data).toEqual([]);
  expect((await logs()).data).toMatchObject([{ endpoint: "/logs", method: "GET" }]);
});

test("the list is paged and filtered", async () => {
  const { app, key, ask, logs } = await scene();
  const get = (path: string) => ask("GET", path, { key });
  for (const path of ["/domains", "/domains/x", "/emails", "/api-keys"]) {
    await get(path);
    app.clock.advance(60_000);
  }
  const endpoints = async (query: string) =>
    (await logs(query)).data.map(({ endpoint }: { endpoint: string }) => endpoint);
  const others = "endpoint=/d*";
  expect(await endpoints(`?${others}`)).toEqual(["/domains/x", "/domains"]);
  expect(await endpoints("?endpoint=/domains")).toEqual(["/domains"]);
  expect(await endpoints("?status=404")).toEqual(["/domains/x"]);
  expect(await endpoints("?status=error&method=get&endpoint=")).toEqual(["/domains/x"]);
  expect(await endpoints("?status=2xx&to=2026-03-01T12:02:30Z")).toEqual(["/emails", "/domains"]);
  expect(await endpoints("?from=2026-03-01T13:02:00%2B01:00&to=2026-03-01T13:03:00+01:00")).toEqual([
    "/emails",
  ]);
  expect(await endpoints("?from=2026-03-02")).toEqual([]);
  expect(await endpoints("?api_key_id=00000000-0000-7000-8000-000000000000")).toEqual([]);

  const first = await logs(`?limit=1&${others}`);
  expect(first).toMatchObject({ has_more: true, next: first.data[0].id });
  expect(await endpoints(`?limit=1&${others}&after=${first.next}`)).toEqual(["/domains"]);
});

test.each([
  ["?method=BREW", "Invalid `method` parameter."],
  ["?status=600", "Invalid `status` parameter."],
  ["?status=oops", "Invalid `status` parameter."],
  ["?endpoint=emails", "Invalid `endpoint` parameter."],
  ["?api_key_id=x", "The `api_key_id` must be a valid UUID."],
  ["?from=yesterday", "Invalid `from` parameter."],
  ["?from=2026-02-30", "Invalid `from` parameter."],
  ["?to=2026-13-01", "Invalid `to` parameter."],
  ["?limit=101", "The pagination limit must be a number between 1 and 100."],
])("the list refuses %s", async (query, message) => {
  const { logs } = await scene();
  expect(await logs(query)).toMatchObject({ statusCode: 422, message: expect.stringContaining(message) });
});

test("a request over a socket is logged with the address it came from", async () => {
  const { key, url, logs } = await scene();
  await fetch(`${url}/domains`, { headers: { authorization: `Bearer ${key}` } });
  expect((await logs()).data).toMatchObject([{ endpoint: "/domains", address: "127.0.0.1" }]);
});
